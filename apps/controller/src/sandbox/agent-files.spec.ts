import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { becomeSecure, type SecureProcess } from '../../../../test/support/secure-process.js';
import { type SecureServer, startSecureServer } from '../../../../test/support/secure-server.js';
import { fetchFromAgent } from './agent-files.js';

let secure: SecureProcess;
let agent: SecureServer;
let plainAgent: Server;
let controller: FastifyInstance;

beforeAll(async () => {
  secure = becomeSecure('controller');
  agent = await startSecureServer(secure.ca, secure.ca.issue('agent'), (_request, response) =>
    response.end('printed'),
  );
  plainAgent = createServer((_request, response) => response.end('printed without TLS'));
  await new Promise<void>((resolve) => plainAgent.listen(0, '127.0.0.1', resolve));
  controller = fastify();
  controller.get('/', async ({ query }, reply) => {
    await fetchFromAgent(new URL((query as { readonly agent: string }).agent), 't.1', reply);
    return reply;
  });
});
afterAll(async () => {
  agent.close();
  plainAgent.close();
  await controller.close();
  secure.close();
});

const read = async (url: string) => {
  const { statusCode, body } = await controller.inject({ url: '/', query: { agent: url } });
  return [statusCode, body];
};

it('reads from an agent over TLS, as who our certificate says', async () => {
  expect(await read(agent.url)).toEqual([200, 'printed']);
  expect(agent.clients).toEqual(['controller']);
});

it('reads of a task that was placed before its agent spoke TLS', async () => {
  expect(await read(agent.url.replace('https:', 'http:'))).toEqual([200, 'printed']);
});

it('reads from an agent that does not speak TLS yet', async () => {
  const url = `http://127.0.0.1:${(plainAgent.address() as AddressInfo).port}`;

  expect(await read(url)).toEqual([200, 'printed without TLS']);
});
