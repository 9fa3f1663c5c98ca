export { ConfigWriteError, type ConfigWriteErrorCode } from './config-write-error.js';
export { appendSection, editLines, type LineEdit } from './edit-lines.js';
export { type LexResult, lex, valuesOf } from './lex-line.js';
export { MAX_WORDS_PER_LINE, SECTION_INDENT_SPACES } from './limits.js';
export { type MergeOwnedOptions, mergeOwned, removeOwned } from './merge-owned.js';
export type {
  ConfigDiagnostic,
  ConfigDocument,
  ConfigEnvironment,
  ConfigLine,
  ConfigWord,
  DiagnosticCode,
  DiagnosticSeverity,
  LineDiagnostic,
  LineKind,
  ParseOptions,
} from './model.js';
export {
  OwnedMergeError,
  type OwnedMergeErrorCode,
  type OwnedMergeErrorPlace,
} from './owned-merge-error.js';
export type { OwnedLines, OwnedPart, OwnedSections } from './owned-placement.js';
export { listDiagnostics, parse, print, printLine } from './parse.js';
export { type FormatLineOptions, formatComment, formatLine, quote } from './quote.js';
export {
  type RenderOptions,
  renderSection,
  renderSections,
  type SectionLine,
  type SectionSpec,
} from './render-sections.js';
export { isProxyKind, type ProxyKind, SECTION_KEYWORDS } from './section-keywords.js';
export {
  type Bind,
  findSection,
  findStatements,
  type Section,
  type Server,
  type Statement,
  sections,
} from './sections.js';
