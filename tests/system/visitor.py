"""People in front of a running onestop: a browser without JavaScript, and the mails they get."""

from __future__ import annotations

import http.cookiejar
import re
import urllib.error
import urllib.parse
import urllib.request
from email.message import EmailMessage
from html import unescape


class Refused(Exception):
    """The answer was no; ``page`` says why."""

    def __init__(self, status: int, page: str) -> None:
        said = re.sub(r"<[^>]*>|\s+", " ", page.partition("<main")[2] or page)
        super().__init__(f"{status}: {said}")
        self.status, self.page = status, page


class Visitor:
    """Keeps cookies, fills in forms, follows redirects. Its methods return the page's text and raise ``Refused``."""

    def __init__(self, url: str) -> None:
        self.url = url
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(jar)

    def get(self, address: str) -> str:
        return self.download(address).decode()

    def download(self, address: str) -> bytes:
        return self._open(urllib.request.Request(urllib.parse.urljoin(self.url, address)))

    def send(self, address: str, form: str = "", page: str = "", **fields: str | list[str]) -> str:
        """Fill in the form at ``address`` (its hidden fields are kept) and send it to where the form says.

        Args:
            form: how its ``action`` ends, or that of one of its buttons; else the first that posts.
            page: the page that holds it, where it has been got already.
        """
        main = (page or self.get(address)).partition("<main")[2].partition("</main>")[0]
        forms = [f for f in re.findall(r"<form.*?</form>", main, re.DOTALL) if 'method="post"' in f]
        found = (
            (f, action) for f in forms for action in (_attributes(f)["action"], *re.findall(r'formaction="([^"]*)"', f))
        )
        chosen, target = next(one for one in found if one[1].partition("#")[0].endswith(form))
        inputs = [_attributes(one) for one in re.findall(r"<input[^>]*>", chosen)]
        hidden = {one["name"]: one.get("value", "") for one in inputs if one["type"] == "hidden"}
        here = urllib.parse.urljoin(self.url, address)
        action = urllib.parse.urljoin(here, unescape(target))
        data = urllib.parse.urlencode({**hidden, **fields}, doseq=True).encode()
        return self._open(urllib.request.Request(action, data)).decode()

    def _open(self, request: urllib.request.Request) -> bytes:
        try:
            with self._opener.open(request, timeout=30) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise Refused(error.code, error.read().decode(errors="replace")) from None


def _attributes(element: str) -> dict[str, str]:
    """Those of the first tag; ``action`` and ``type`` are always there."""
    found = re.findall(r'([\w-]+)="([^"]*)"', element.partition(">")[0])
    return {"action": "", "type": "text", **{name: unescape(value) for name, value in found}}


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body
    return body.get_content()


def link_in(mail: EmailMessage, part: str) -> str:
    return next(link for link in re.findall(r"https?://\S+", text_of(mail)) if part in link)
