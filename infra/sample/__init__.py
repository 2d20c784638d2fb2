"""A site that people have used for six weeks: registrations and inquiries in every state, made by the real services.

    python -m infra.sample           (``make run SAMPLE=rich`` does it before the start)

    people.toml texts.toml events.toml    who comes, what they say, events small enough to be full
    town                                  the services of all slices in one process, at times that an agenda sets
    registrants inquirers                 what people and staff do, and how long they take

Everything is decided by a seed; ids and references alone differ from run to run.
"""
