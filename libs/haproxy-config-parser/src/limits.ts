/** Words HAProxy accepts on one line (MAX_LINE_ARGS). Before 3.2, white space after word 64 counts as the beginning of word 65. */
export const MAX_WORDS_PER_LINE = 64;

/** Spaces before a line inside a section in generated text. */
export const SECTION_INDENT_SPACES = 4;

/** `.if` inside one another that HAProxy accepts (MAXNESTEDCONDS is one more). */
export const MAX_CONDITION_DEPTH = 99;
