/** Text as a log-format says it, where a single `%` begins a variable: a target of a redirect, a value of a header. */
export const inLogFormat = (text: string): string => text.replaceAll('%', '%%');
