export {
  type Acl,
  type AclFlag,
  type AclTest,
  type ConditionTerm,
  parseAclTest,
  parseRuleCondition,
  type RuleCondition,
} from './acl-conditions.js';
export { checkDocument } from './check-document.js';
export {
  type ConditionBlock,
  type ConditionBranch,
  readConditionBlocks,
} from './condition-blocks.js';
export {
  type ConditionExpression,
  type ConditionParseResult,
  parseCondition,
} from './condition-expression.js';
export type { ConditionFacts } from './condition-facts.js';
export { ConfigWriteError, type ConfigWriteErrorCode } from './config-write-error.js';
export { appendSection, editLines, type LineEdit } from './edit-lines.js';
export {
  type EvaluatedDocument,
  evaluateConditions,
  type LineState,
} from './evaluate-conditions.js';
export { type LexResult, lex, valuesOf } from './lex-line.js';
export { MAX_CONDITION_DEPTH, MAX_WORDS_PER_LINE, SECTION_INDENT_SPACES } from './limits.js';
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
export { printCanonical } from './print-canonical.js';
export {
  type DefaultServer,
  effectiveMode,
  effectiveOptions,
  effectiveTimeouts,
  findProxy,
  type Proxy,
  type ProxyOption,
  parseDurationMs,
  readProxies,
  type ServerTemplate,
  type Timeout,
} from './proxies.js';
export { type FormatLineOptions, formatComment, formatLine, quote } from './quote.js';
export {
  type RenderOptions,
  renderSection,
  renderSections,
  type SectionLine,
  type SectionSpec,
} from './render-sections.js';
export { type Rule, type Ruleset, readRule } from './rules.js';
export {
  type ArgumentList,
  type ExpressionFault,
  parseArguments,
  parseSampleExpression,
  quoteArgument,
  type SampleCall,
  type SampleExpression,
} from './sample-expression.js';
export { isProxyKind, type ProxyKind, SECTION_KEYWORDS } from './section-keywords.js';
export {
  type Bind,
  findSection,
  findStatements,
  type Section,
  type SectionsOptions,
  type Server,
  type Statement,
  sections,
} from './sections.js';
export {
  type Certificate,
  type ErrorFile,
  type Group,
  type NamedAddress,
  type PlainKind,
  readSections,
  type Setting,
  type TypedSection,
  type User,
} from './typed-sections.js';
