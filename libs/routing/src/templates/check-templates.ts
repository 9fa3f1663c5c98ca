import { lex, SECTION_KEYWORDS } from 'haproxy-config-parser';
import { shown } from '../labels/label-reader.js';
import { sampleServer } from '../render/server-options.js';
import type { Route } from '../route-table.js';
import { fillTemplate } from './fill-template.js';
import { explainOwnedLine, explainOwnedWord } from './owned-words.js';
import { isHeaderOf, valuesOf } from './route-templates.js';
import type { TemplateOverrides } from './template-labels.js';
import type { PortTemplate } from './template-names.js';

type Templated = Omit<Route, 'endpoints'>;

/** Rewriting rules that marathon-lb's examples use and HAProxy has not had since 2.1, and what does the same. */
const REMOVED_KEYWORDS = /^(req|rsp)i?(add|allow|del|deny|pass|rep|tarpit)$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is refused
const CONTROL = /[\u0000-\u001f\u007f]/;
/** Their text is a part of a server line. */
const SERVER_WORDS: ReadonlySet<PortTemplate> = new Set([
  'BACKEND_SERVER_HTTP_HEALTHCHECK_OPTIONS',
  'BACKEND_SERVER_TCP_HEALTHCHECK_OPTIONS',
]);

/**
 * The templates of a route that can be used. Each of the others is told with its reason: a placeholder it does not have, a
 * line that HAProxy could not read, one that would open a section, or a word that says what is the edge's own to say: its
 * servers, and where it listens. All other keywords are HAProxy's to judge.
 */
export function checkTemplates(
  route: Templated,
  tell: (label: string, reason: string) => void,
): TemplateOverrides {
  if (route.templates.size === 0) return route.templates;
  const good = new Map<PortTemplate, string>();
  for (const [name, text] of route.templates) {
    const problem = findProblem(route, name, text);
    if (problem === undefined) good.set(name, text);
    else tell(`HAPROXY_${route.portIndex}_${name}`, `${problem}; the built-in text is used`);
  }
  return good;
}

function findProblem(route: Templated, name: PortTemplate, text: string): string | undefined {
  const isServer = name === 'BACKEND_SERVER_OPTIONS';
  const filled = fillTemplate(text, { ...valuesOf(route), ...(isServer && sampleServer([])) });
  if (!filled.ok) return filled.reason;
  if (isServer) return findServerProblem(route, filled.lines);
  const isWords = SERVER_WORDS.has(name);
  return filled.lines
    .filter((line) => !isHeaderOf(line, route, name))
    .map((line) => findLineProblem(line, { isWords }) ?? findOwned(route, name, line))
    .find((problem) => problem !== undefined);
}

function findOwned(route: Templated, name: PortTemplate, line: string): string | undefined {
  const { values } = lex(line);
  if (SERVER_WORDS.has(name)) return explainOwnedWord(route, values);
  return explainOwnedLine(route, values, { isFrontend: name.includes('FRONTEND_') });
}

function findServerProblem(route: Templated, lines: readonly string[]): string | undefined {
  const [line = '', ...more] = lines;
  const problem = findLineProblem(line, { isWords: false });
  if (problem !== undefined) return problem;
  const [keyword, ...words] = lex(line).values;
  const isServer = keyword === 'server' && words.length >= 2;
  if (isServer && more.length === 0) return explainOwnedWord(route, words.slice(2));
  return `${shown(line)} is not one line of the form server NAME ADDRESS options`;
}

function findLineProblem(
  line: string,
  { isWords }: { readonly isWords: boolean },
): string | undefined {
  const text = line.trim();
  if (text.startsWith('[')) return `${shown(text)} begins with [`;
  const { values, diagnostics } = lex(text);
  const [fault] = diagnostics;
  // Words also go through the runtime API, where a line end begins another command and << a payload.
  if (values.some((value) => CONTROL.test(value) || value === '<<')) {
    return `${shown(text)} has a control character, or <<`;
  }
  if (fault !== undefined) return `${shown(text)}: ${fault.message}`;
  const [keyword = ''] = values;
  if (isWords) return undefined;
  if (SECTION_KEYWORDS.has(keyword)) return `${shown(text)} would open a section`;
  if (keyword.startsWith('.')) return `${shown(text)} is a directive of the whole file`;
  if (REMOVED_KEYWORDS.test(keyword)) {
    return `${keyword} was removed in HAProxy 2.1: http-request and http-response have the same rules`;
  }
  return undefined;
}
