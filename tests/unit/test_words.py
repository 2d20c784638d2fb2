"""What texts are searched by, in scripts of all kinds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.inquiries.casework.models import Inquiry
from functions.inquiries.casework.search_terms import MAX_TERMS, MAX_WORDS, search_terms, terms_of
from shared.formats.words import in_pairs, plain_words, terms
from tests.payloads import NOW


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("L'Été à Genève, c’est 30°!", ["l", "ete", "a", "geneve", "c", "est", "30"]),
        ("№ ５ ＡＢ", ["no", "5", "ab"]),
        ("نَقْص كبيـــر", ["نقص", "كبير"]),
        ("می\u200cخواهم", ["میخواهم"]),
        ("सहायता किताब", ["सहायता", "किताब"]),  # vowel signs belong to the word
        ("WTO关于covid疫苗", ["wto", "关于", "covid", "疫苗"]),
        ("ガイド、がいど", ["ガイド", "がいど"]),
        ("서울에서 회의", ["서울에서", "회의"]),
        ("ជំរាបសួរ\u200bអ្នក", ["ជំរាបសួរ", "អ្នក"]),
    ],
)
def test_words_are_split_as_people_write_them(text: str, words: list[str]) -> None:
    assert plain_words(text) == words


def test_pairs_of_letters_stand_for_words_that_nothing_tells_apart() -> None:
    assert terms("WHO药品采购") == ["who", "药品", "品采", "采购"]


def inquiry(subject: str, given: str = "Wanjiku", family: str = "Kamau") -> Inquiry:
    who = {"given_name": given, "family_name": family, "email": "w@moh.example", "country": "CN",
           "organisation": "卫生部", "type": "government"}  # fmt: skip
    facts = {"topics": [], "activity": None, "language": "zh", "share_with": "all"}
    times = {"received_at": NOW, "updated_at": NOW}
    return Inquiry.model_validate({"requester": who, "subject": subject, **facts, **times})


@pytest.mark.parametrize(
    ("searched", "found"),
    [
        ("采购", True), ("药品采购", False), ("药品集中采购", True), ("采购 wto", True), ("疫苗短缺", True),
        ("疫苗过剩", False), ("王", True), ("王小明", True), ("小明", True), ("卫生部", True), ("ครม", False),
        ("จัดซื้อ", True), ("调达", False), ("調達", True), ("조달", True), ("ABCD-2345", True), ("EXAMPLE", True),
    ],
)  # fmt: skip
def test_any_part_of_a_text_without_blanks_is_found(searched: str, found: bool) -> None:
    message = "出口限制导致疫苗短缺。 การจัดซื้อยา 医薬品の調達について 의약품 조달에"
    known = terms_of("ABCD-2345", inquiry("WTO: 关于药品集中采购的咨询", "小明", "王"), message)
    wanted = search_terms(searched)
    assert wanted
    assert (set(wanted) <= set(known)) is found


letters = st.text(st.sampled_from("ab é نق 采购药品 จัดซื้ 조달에 ガが က្မែ\u0301\u200d😀-"), max_size=400)


@given(letters, letters)
def test_what_is_listed_is_bounded_and_a_query_is_listed_alike(subject: str, message: str) -> None:
    known = terms_of("ABCD-2345", inquiry(subject), message)
    assert len(known) <= MAX_TERMS
    assert len([term for term in known if not in_pairs(term)]) <= MAX_WORDS
    assert len(known) == len(set(known))
    if len(known) < MAX_WORDS:
        assert set(search_terms(message)) <= set(known)


def test_a_long_text_in_pairs_fills_the_list_and_no_more() -> None:
    message = "".join(chr(0x4E00 + number) for number in range(20_000))
    assert len(terms_of("ABCD-2345", inquiry("x"), message)) == MAX_TERMS
