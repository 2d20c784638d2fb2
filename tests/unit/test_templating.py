"""What templates get beside Jinja's own."""

from __future__ import annotations

from shared.web.templating import option_tags


def test_options_are_escaped_and_one_is_selected() -> None:
    options = [("", "None"), ("a", "A & B"), ('"><b>', "<i>"), ("ab", "AB")]
    plain = '<option value="">None</option>\n<option value="a">A &amp; B</option>\n'
    rest = '<option value="&#34;&gt;&lt;b&gt;">&lt;i&gt;</option>\n<option value="ab">AB</option>'
    assert option_tags(options, "unknown") == plain + rest
    assert option_tags(options, None) == plain + rest
    assert option_tags(options, "a") == plain.replace('"a"', '"a" selected') + rest
    assert option_tags(options, '"><b>').count(" selected>") == 1
    assert option_tags(options, "") == plain.replace('""', '"" selected') + rest
