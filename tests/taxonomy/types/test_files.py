"""Taxonomies as files: exact both ways, every fault with its place, and nothing that a hostile file can do."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from evalhub.projects.joining import found_project
from taxonomy.models import ErrorType
from taxonomy.tree import Tree
from taxonomy.types.changes import Retire
from taxonomy.types.documents import MOST_BYTES, DocumentError, read_document
from taxonomy.types.editing import carry_out, types_of
from taxonomy.types.files import as_json, as_yaml, read_taxonomy, wanted_from
from taxonomy.types.planning import NewType, TaxonomyError
from taxonomy.types.reshaping import Merge, Split
from taxonomy.types.taking_in import TakeIn
from taxonomy.versions import newest_number

HEAD = "format: evalhub taxonomy 1\n"
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=80).map(
    lambda text: " ".join(text.split())
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200).map(str.strip)


def faults(text, name=""):
    with pytest.raises(DocumentError) as caught:
        read_taxonomy(text if isinstance(text, bytes) else text.encode(), name)
    return list(caught.value.faults)


def shaped(project, lead):
    """A tree with all that there can be: three levels, retired, merged, an owner, words of several lines."""
    types = {each.code: each.pk for each in ErrorType.objects.filter(project=project)}
    ErrorType.objects.filter(pk=types["wrong_value"]).update(owner=lead, not_this_if="One.\n\nTwo: “three” # four")
    parts = (NewType("404"), NewType("yes"))
    made = carry_out(project, Split(types["broken_format"], parts), lead).made
    carry_out(project, Split(next(iter(made.values())), (NewType("- dash"), NewType("null"))), lead)
    carry_out(
        project, Merge((types["wrong_value"], types["missing_information"]), NewType("Inhalt: falsch é 漢")), lead
    )
    carry_out(project, Retire(types["wrong_language_or_tone"]), lead)
    return types_of(project)


@pytest.mark.parametrize("write", [as_yaml, as_json])
def test_a_file_read_again_into_another_project_gives_the_same_file(project, lead, admin, write):
    text = write(shaped(project, lead), {lead.pk: lead.email})
    other = found_project(admin, "Elsewhere")
    ErrorType.objects.filter(project=other).delete()

    wanted, remarks = wanted_from(read_taxonomy(text.encode()), {lead.email: lead.pk})
    carry_out(other, TakeIn("a file", wanted, changes=True), admin)

    assert remarks == []
    assert write(types_of(other), {lead.pk: lead.email}) == text


@pytest.mark.parametrize("write", [as_yaml, as_json])
def test_a_file_read_again_into_its_own_project_changes_nothing(project, lead, write):
    text = write(shaped(project, lead), {lead.pk: lead.email})
    before = newest_number(project)

    wanted, _ = wanted_from(read_taxonomy(text.encode()), {lead.email: lead.pk})

    assert carry_out(project, TakeIn("a file", wanted, changes=True, retires=True), lead) is None
    assert newest_number(project) == before


def test_a_file_brings_back_what_it_says(project, lead):
    text = as_yaml(types_of(project), {})
    then = types_of(project)
    shaped(project, lead)

    wanted, _ = wanted_from(read_taxonomy(text.encode()), {})
    carry_out(project, TakeIn("a file", wanted, changes=True, retires=True), lead)

    now = types_of(project)
    assert {key: now[key] for key in then} == then
    assert all(each.is_retired for key, each in now.items() if key not in then)


@given(st.lists(st.tuples(NAMES, TEXTS, TEXTS), min_size=1, max_size=8), st.booleans())
def test_any_words_survive_the_way_through_a_file(words, is_yaml):
    rows = [
        {
            "id": key,
            "parent": key // 2 or None,
            "code": f"c{key}",
            "name": name or "x",
            "definition": definition,
            "not_this_if": not_this_if,
            "severity": "minor",
            "owner": None,
            "position": key,
            "is_retired": False,
            "merged_into": None,
        }
        for key, (name, definition, not_this_if) in enumerate(words, start=1)
    ]
    types = Tree(0, rows).types
    text = (as_yaml if is_yaml else as_json)(types, {})

    found = {each.code: each for each in read_taxonomy(text.encode()).types}

    for each in types.values():
        read = found[each.code]
        assert (read.name, read.definition, read.not_this_if) == (each.name, each.definition, each.not_this_if)
        assert read.parent == (types[each.parent].code if each.parent else "")


def test_an_owner_who_is_no_member_is_remarked_on_and_left_out():
    found = read_taxonomy((HEAD + "types:\n- code: a\n  name: A\n  owner: who@example.org\n").encode())

    wanted, remarks = wanted_from(found, {})

    assert wanted[0].owner is None
    assert remarks == ["Line 3, types[0]: who@example.org is no member of this project. “A” gets no owner."]


def test_every_fault_is_told_with_its_line_and_path():
    text = HEAD + (
        "types:\n"
        "- code: a\n"
        "  name: A\n"
        "  severity: terrible\n"
        "- code: a\n"
        "  name: 404\n"
        "  colour: red\n"
        "- definition: no name\n"
        "- code: b\n"
        "  name: B\n"
        "  merged_into: nobody\n"
        "  retired: perhaps\n"
        "- just text\n"
        "- code: ü b\n"
        f"  name: {'x' * 81}\n"
        "  types: no list\n"
    )

    assert faults(text) == [
        "Line 5, types[0].severity: “terrible” is no severity. Use minor, major, critical.",
        "Line 8, types[1].colour: there is no field of this name. Use code, name, severity, definition, not_this_if, "
        "owner, retired, merged_into, types.",
        "Line 7, types[1].name: this must be a text. Put it in quotes.",
        "Line 6, types[1].code: the code “a” is that of Line 3, types[0] too. Give each its own.",
        "Line 9, types[2]: “name” is missing. Name the error type after what broke.",
        "Line 13, types[3].retired: this must be true or false.",
        "Line 14, types[4]: this must be an error type with a code and a name.",
        "Line 16, types[5].name: this has 81 characters, and at most 80 fit. Shorten it.",
        "Line 15, types[5].code: the code “ü b” may have letters without accents, digits, “_” and “-” only.",
        "Line 17, types[5].types: this must be a list of error types.",
        "Line 10, types[3]: “merged_into” names “nobody”, which is not in the file.",
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The file is empty."),
        ("   \n", "The file is empty."),
        ("types: []", "This is no taxonomy: the file must begin with “format: evalhub taxonomy 1”."),
        ("- a\n- b", "This is no taxonomy"),
        ("just words", "This is no taxonomy"),
        ("{]", "Line 1, column 2: this is not JSON"),
        ('{"format": "evalhub taxonomy 1", "types": []}', "types: there is no error type. Add one."),
        ('{"format": 1, "format": 2}', "“format” occurs twice"),
        ('{"format": NaN}', "NaN is no value of JSON"),
        (HEAD + "types:\n- name: A\n  name: B\n", "Line 4: “name” occurs twice here."),
        (HEAD + "types: [a: b: c]", "Line 2, column 13: this is not YAML"),
        (HEAD + "\ttypes: 1", "this is not YAML"),
        (HEAD + "types:\n- name: \x07", "characters that YAML does not allow"),
        (HEAD + "types: []\n---\na: 1", "Line 3: a second document begins here."),
        (HEAD + "? [a, b]\n: c\n", "Line 2: the name of a field must be a text."),
        (b"\xff\xfe\x00", "Line 1 is not in UTF-8."),
        (b"a: b\nc: \xe9", "Line 2 is not in UTF-8."),
    ],
)
def test_what_is_no_taxonomy_is_refused_in_a_sentence(text, sentence):
    assert sentence in " ".join(faults(text))


BOMB = (
    HEAD
    + "a: &a [x, x, x]\n"
    + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20))
)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (BOMB, "Line 2: anchors and aliases (& and *) are not read."),
        (HEAD + "types: &t\n- *t\n", "anchors and aliases"),
        (HEAD + "types: !!python/object/apply:os.system ['true']\n", "the tag tag:yaml.org,2002:python"),
        (HEAD + "types: !!binary aGk=\n", "the tag tag:yaml.org,2002:binary is not read"),
        (HEAD + "types: !evil 1\n", "the tag !evil is not read"),
        (HEAD + "types:\n- <<: {name: A}\n", "types[0].<<: there is no field of this name"),
        (HEAD + "types: " + "[" * 5000, "nested more than 24 levels deep"),
        (HEAD + "types: " + "{a: " * 5000, "nested more than 24 levels deep"),
        ('{"format": ' + "[" * 100_000, "nested more than 24 levels deep"),
        ('{"format": ' + "9" * 5000 + "}", "A number in the file is too long."),
        ("a" * (MOST_BYTES + 1), "a taxonomy has at most 256 kB"),
        (HEAD + "types:\n" + "".join(f"- name: n{n}\n" for n in range(501)), "there are 501 error types"),
        (
            HEAD
            + "types:\n- name: A\n  types: [{name: B, types: [{name: C, types: [{name: D, types: [{name: E}]}]}]}]",
            "at most 4",
        ),
        ('{"format": "evalhub taxonomy 1", "types": [{"code": "a", "name": "\\u0000"}]}', "cannot be stored"),
        ('{"format": "evalhub taxonomy 1", "types": [{"code": "a", "name": "\\ud800"}]}', "cannot be stored"),
    ],
)
def test_a_hostile_file_is_refused(text, sentence):
    assert sentence in " ".join(faults(text))


def test_a_large_file_of_honest_types_is_read():
    types = "".join(f"- name: n{n}\n  definition: {'word ' * 60}\n" for n in range(500))

    assert len(read_taxonomy((HEAD + "types:\n" + types).encode()).types) == 500


def test_faults_beyond_a_dozen_are_counted():
    with pytest.raises(DocumentError) as caught:
        read_taxonomy((HEAD + "types:\n" + "- x\n" * 30).encode())

    assert caught.value.shown[-1] == "And 18 more."


def test_a_json_file_is_known_by_its_name_too():
    assert "this is not JSON" in " ".join(faults("[1, 2", "x.json"))


def test_json_is_read_as_json_and_not_as_yaml():
    """“\\/” and pairs of surrogates are JSON, and not YAML as PyYAML reads it."""
    assert read_document(b'{"a": "\\/ \\ud83d\\ude00"}').data == {"a": "/ 😀"}


def test_merged_types_must_end_somewhere(project, lead):
    text = HEAD + (
        "types:\n"
        "- {code: a, name: A, retired: true, merged_into: b}\n"
        "- {code: b, name: B, retired: true, merged_into: a}\n"
    )
    wanted, _ = wanted_from(read_taxonomy(text.encode()), {})

    with pytest.raises(TaxonomyError, match="“A” would be merged into itself"):
        carry_out(project, TakeIn("a file", wanted, changes=True), lead)


def test_retiring_what_the_file_does_not_have_orphans_nothing(project, lead):
    types = {each.code: each.pk for each in ErrorType.objects.filter(project=project)}
    carry_out(project, Split(types["wrong_value"], (NewType("Number"), NewType("Name"))), lead)
    text = HEAD + "types:\n- {code: only, name: Only}\n"
    wanted, _ = wanted_from(read_taxonomy(text.encode()), {})

    carry_out(project, TakeIn("a file", wanted, changes=True, retires=True), lead)

    active = [each.code for each in types_of(project).values() if not each.is_retired]
    assert active == ["only"]


def test_yaml_that_we_write_is_plain_yaml(project, lead):
    text = as_yaml(shaped(project, lead), {})

    assert yaml.safe_load(text) == json.loads(as_json(types_of(project), {}))
    assert "&" not in text
    assert "!!" not in text
