"""A published version is frozen by the database itself, whatever code, shell or bulk statement tries.

The rules, as triggers:

* no example is added to a published version, and none of its content changes; only the reference to the production
  sample may be emptied, which is not part of the content;
* an example of a published version leaves only in a transaction in which the version leaves too, and a published
  version only in one in which its eval set leaves too: they go with the project, not by themselves;
* state, number, count, hash and date of a published version stay what they are.

The first check locks the version's row, so that it waits for a publication under way: no example slips in between the
hash and its commit. Deletions are checked at the commit, since Django deletes children before their parents.
"""

from django.db import migrations

FREEZE = """
CREATE FUNCTION evalsets_refuse_if_published(version bigint, what text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE found_state text;
BEGIN
    SELECT state INTO found_state FROM evalsets_evalsetversion WHERE id = version FOR SHARE;
    IF found_state = 'published' THEN
        RAISE EXCEPTION 'Version % is published and frozen: %.', version, what USING ERRCODE = 'restrict_violation';
    END IF;
END $$;

CREATE FUNCTION evalsets_guard_added_examples() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM evalsets_refuse_if_published(version_id, 'no example can be added to it')
    FROM (SELECT DISTINCT version_id FROM added) AS versions;
    RETURN NULL;
END $$;

CREATE FUNCTION evalsets_guard_changed_example() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM evalsets_refuse_if_published(OLD.version_id, 'its examples cannot be changed');
    PERFORM evalsets_refuse_if_published(NEW.version_id, 'no example can be added to it');
    RETURN NEW;
END $$;

CREATE FUNCTION evalsets_guard_removed_example() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM evalsets_refuse_if_published(OLD.version_id, 'its examples cannot be removed');
    RETURN NULL;
END $$;

CREATE FUNCTION evalsets_guard_changed_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Version % is published and frozen: it cannot be changed.', OLD.id
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION evalsets_guard_removed_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM evalsets_evalset WHERE id = OLD.eval_set_id) THEN
        RAISE EXCEPTION 'Version % is published and frozen: it cannot be removed.', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER examples_added AFTER INSERT ON evalsets_example
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION evalsets_guard_added_examples();

CREATE TRIGGER example_changed BEFORE UPDATE OF
    version_id, position, key, request, expected_kind, expected, tags, cluster, metadata, digest, inclusion_probability
    ON evalsets_example FOR EACH ROW EXECUTE FUNCTION evalsets_guard_changed_example();

CREATE CONSTRAINT TRIGGER example_removed AFTER DELETE ON evalsets_example
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION evalsets_guard_removed_example();

CREATE TRIGGER version_changed BEFORE UPDATE ON evalsets_evalsetversion FOR EACH ROW
    WHEN (OLD.state = 'published' AND (
        OLD.eval_set_id, OLD.number, OLD.state, OLD.example_count, OLD.content_hash, OLD.published_at
    ) IS DISTINCT FROM (
        NEW.eval_set_id, NEW.number, NEW.state, NEW.example_count, NEW.content_hash, NEW.published_at
    )) EXECUTE FUNCTION evalsets_guard_changed_version();

CREATE CONSTRAINT TRIGGER version_removed AFTER DELETE ON evalsets_evalsetversion
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.state = 'published') EXECUTE FUNCTION evalsets_guard_removed_version();
"""

THAW = """
DROP TRIGGER version_removed ON evalsets_evalsetversion;
DROP TRIGGER version_changed ON evalsets_evalsetversion;
DROP TRIGGER example_removed ON evalsets_example;
DROP TRIGGER example_changed ON evalsets_example;
DROP TRIGGER examples_added ON evalsets_example;
DROP FUNCTION evalsets_guard_removed_version, evalsets_guard_changed_version, evalsets_guard_removed_example,
    evalsets_guard_changed_example, evalsets_guard_added_examples, evalsets_refuse_if_published;
"""


class Migration(migrations.Migration):
    dependencies = [("evalsets", "0002_facts_and_indexes")]
    operations = [migrations.RunSQL(FREEZE, THAW)]
