"""One bad archive for each way to break a rule, made byte by byte."""

from tests.functions.core.bad_archives import ends, entries, locals, names

CASES = ends.CASES | entries.CASES | locals.CASES | names.CASES
