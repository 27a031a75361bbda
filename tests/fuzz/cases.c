/* SPDX-License-Identifier: MIT */
/* cases.c - the parser of conformance cases: any file is read whole, or refused with its line. */
#include <string.h>

#include "tests/conformance/conformance.h"
#include "tests/fuzz/fuzz.h"

/* What the interpreters take for granted of a statement, and of what is inside it. */
static uint32_t check_statements(
        const struct test_case *test, const struct statement *list)
{
    uint32_t count = 0;
    for (; list != NULL; list = list->next) {
        gc_require(list->count > 0 && list->line > 0, "a statement of nothing");
        for (uint32_t i = 0; i < list->count; i++) {
            const struct ref *ref = &list->words[i].ref;
            gc_require(list->words[i].text[0] != '\0', "an empty word");
            gc_require(ref->steps <= CASE_STEPS, "a path that is too long");
            if (ref->name == NULL || ref->base != REF_HANDLE) continue;
            gc_require((uint64_t)ref->first_root + ref->roots <= test->roots,
                    "a name without its roots");
        }
        count += 1 + check_statements(test, list->body) +
                 check_statements(test, list->replacement);
    }
    return count;
}

void fuzz_cases(const uint8_t *bytes, size_t size)
{
    const char *path = fuzz_file(bytes, size);
    struct case_file file;
    struct gc_error error = { "" };
    if (case_file_read(path, &file, &error) == 0) {
        gc_require(file.cases != NULL, "a file of no case");
        for (struct test_case *test = file.cases; test != NULL; test = test->next) {
            check_statements(test, test->body);
            for (struct script *script = test->scripts; script != NULL;
                    script = script->next)
                check_statements(test, script->body);
        }
    } else {
        fuzz_require_sentence(&error);
        gc_require(strncmp(error.text, path, strlen(path)) == 0, "of which file?");
    }
    case_files_free();
}
