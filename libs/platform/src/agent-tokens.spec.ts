import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { AccessRule } from './access.js';
import { AgentTokens, checkClusterTokens, ownAgentToken, parseTokens } from './agent-tokens.js';
import { createRequestGuard } from './request-guard.js';

/** A busy machine takes its time to tell of a change. */
vi.setConfig({ testTimeout: 60_000 });

const OLD = 'old-0123456789abcdef';
const NEW = 'new-0123456789abcdef';
const bearer = (token: string) => `Bearer ${token}`;

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pacer-tokens-'));
  file = join(folder, 'tokens');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

const write = (content: string, mode = 0o600) => writeFileSync(file, content, { mode });

describe('a file of tokens', () => {
  it('holds a token a line, with the principal it is for or none', () => {
    expect(parseTokens(`# of May\n\nrack-1 ${OLD}\n${NEW}\n`)).toEqual([
      { principal: 'rack-1', token: OLD },
      { principal: 'agent', token: NEW },
    ]);
  });

  it.each([
    ['', /holds no tokens/],
    ['short', /line 1: a token has 16 to 512/],
    [`a b ${OLD}`, /line 1: has more than a principal and a token/],
    [`a:b ${OLD}`, /principal "a:b"/],
    [`${OLD}\n${OLD}`, /line 2: the token is there twice/],
  ])('is refused when it is %j, without a word of what is in it', (content, reason) => {
    expect(() => parseTokens(content)).toThrow(reason);
    expect(() => parseTokens(content)).not.toThrow(OLD);
  });
});

describe('the tokens a master accepts', () => {
  it('are several at once, and those the file held last', async () => {
    const lines: string[] = [];
    write(`rack-1 ${OLD}\nrack-1 ${NEW}\n`);
    const tokens = new AgentTokens(file, (_level, message) => lines.push(message));
    const both = [OLD, NEW].map((token) => tokens.identify(bearer(token))?.principal);

    write('nonsense');
    await vi.waitFor(() => expect(lines.at(-1)).toMatch(/the former go on: .*line 1/), 30_000);
    const kept = tokens.identify(bearer(OLD));
    write(`rack-1 ${NEW}\n`);
    await vi.waitFor(() => expect(lines.at(-1)).toMatch(/1 are accepted/), 30_000);
    tokens.close();

    expect(both).toEqual(['rack-1', 'rack-1']);
    expect(kept).toEqual({ principal: 'rack-1', kinds: new Set(['agent']) });
    expect(tokens.identify(bearer(OLD))).toBeUndefined();
    expect(tokens.identify(bearer(NEW))).toBeDefined();
    expect(tokens.identify(undefined)).toBeUndefined();
    expect(tokens.identify(`Basic ${NEW}`)).toBeUndefined();
  });

  it('guard what is for agents, and nothing else', () => {
    write(OLD);
    const agentTokens = new AgentTokens(file, () => undefined);
    const rule: AccessRule = ({ route }) => ({
      ...{ kind: 'closed', realm: 'test' },
      to: [route === '/agents' ? 'agent' : 'operator'],
    });
    const exposure = { host: '127.0.0.1', allowedHosts: [], credentials: [], allowOpenBind: false };
    const guard = createRequestGuard({ ...exposure, agentTokens }, rule);
    const ask = (route: string, authorization?: string) => () =>
      guard({
        ...{ method: 'POST', url: route, route },
        headers: { host: 'localhost', ...(authorization === undefined ? {} : { authorization }) },
      });

    expect(ask('/agents', bearer(OLD))()?.principal).toBe('agent');
    expect(ask('/agents')).toThrow(/missing or wrong: an agent needs a token/);
    expect(ask('/agents', bearer(NEW))).toThrow(/The token is not accepted/);
    expect(ask('/others')).not.toThrow();
    agentTokens.close();
  });
});

describe('the token an agent joins with', () => {
  it('is the first of its file, read at each call; the former where that fails', () => {
    const lines: string[] = [];
    write(`rack-1 ${OLD}\n${NEW}\n`);
    vi.stubEnv('PACER_AGENT_TOKEN_FILE', file);
    const headers = ownAgentToken((_level, message) => lines.push(message));

    const first = headers?.();
    write(NEW);
    const second = headers?.();
    write('');
    const third = headers?.();

    expect(first).toEqual({ authorization: bearer(OLD) });
    expect([second, third]).toEqual([{ authorization: bearer(NEW) }, second]);
    expect(lines).toEqual([expect.stringContaining('PACER_AGENT_TOKEN_FILE')]);
  });

  it('must be one of those the same cluster accepts', () => {
    const own = join(folder, 'own');
    write(OLD);
    writeFileSync(own, NEW, { mode: 0o600 });
    const environment = { PACER_AGENT_TOKENS_FILE: file, PACER_AGENT_TOKEN_FILE: own };

    expect(() => checkClusterTokens(environment)).toThrow(/no agent could join/);
    write(`${OLD}\n${NEW}`);
    expect(() => checkClusterTokens(environment)).not.toThrow();
  });
});
