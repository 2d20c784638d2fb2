// Solves the form's ALTCHA challenge (version 2, PBKDF2) in a worker and puts the solution into the form. Where the
// browser cannot (no WebCrypto outside https), the way by mailed code stays open.
const box = document.querySelector("[data-challenge]");
const form = box.closest("form");
const status = box.querySelector("[role=status]");
const field = box.querySelector("[name=altcha]");

if (window.Worker && window.isSecureContext && crypto.subtle) {
  const challenge = JSON.parse(box.dataset.challenge);
  const byMail = box.querySelector("[data-without-script]");
  const worker = new Worker(new URL("challenge-worker.js", document.currentScript.src));
  byMail.hidden = true;
  status.textContent = box.dataset.working;
  const solved = new Promise((resolve, reject) => {
    worker.onmessage = (message) => resolve(message.data);
    worker.onerror = reject;
  });
  solved.then((solution) => {
    field.value = btoa(JSON.stringify({ challenge, solution }));
    status.textContent = box.dataset.done;
  }, () => { byMail.hidden = false; });
  worker.postMessage(challenge.parameters);

  // Sent before the puzzle is solved: wait for it, then send.
  form.addEventListener("submit", (event) => {
    if (field.value || ["send_code", "shown_in"].includes(event.submitter?.name) || !byMail.hidden) return;
    event.preventDefault();
    solved.then(() => form.requestSubmit(event.submitter));
  });
}
