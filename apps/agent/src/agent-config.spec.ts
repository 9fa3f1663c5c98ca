import { expect, test } from 'vitest';
import {
  advertisedAddress,
  advertisedHostname,
  apiAddress,
  readAgentConfig,
} from './agent-config.js';

const read = (environment: Record<string, string>) => readAgentConfig({ environment, argv: [] });

test('without settings the agent is on loopback and detects what there is', () => {
  const config = read({});

  expect(config).toMatchObject({
    host: '127.0.0.1',
    port: 5051,
    cpus: 0,
    masters: ['http://127.0.0.1:5050'],
  });
  expect(config.ports).toEqual([{ begin: 31_000, end: 32_000 }]);
  expect(advertisedHostname(config)).toBe('127.0.0.1');
  expect(advertisedAddress(config)).toBe('127.0.0.1');
});

test('resources, ports and attributes can be configured', () => {
  const config = read({
    PACER_AGENT_CPUS: '1.5',
    PACER_AGENT_PORTS: '31000-31099, 31200',
    PACER_AGENT_ATTRIBUTES: 'rack:a;generation:3',
  });

  expect(config.cpus).toBe(1.5);
  expect(config.ports).toEqual([
    { begin: 31_000, end: 31_099 },
    { begin: 31_200, end: 31_200 },
  ]);
  expect(config.attributes).toEqual([
    { name: 'rack', type: 'TEXT', text: { value: 'a' } },
    { name: 'generation', type: 'SCALAR', scalar: { value: 3 } },
  ]);
});

test('mistakes name the variable, its value and what it must be', () => {
  expect(() => read({ PACER_AGENT_PORTS: '32000-31000', PACER_AGENT_ATTRIBUTES: 'rack' })).toThrow(
    /PACER_AGENT_PORTS: "32000-31000" is not a list of ports.*PACER_AGENT_ATTRIBUTES: "rack"/,
  );
});

test('a resource can be given once, and a policy must be known', () => {
  expect(() =>
    read({ PACER_AGENT_CPUS: '2', PACER_AGENT_RESOURCES: 'cpus:4;ports:[1-2]' }),
  ).toThrow('give one of each: PACER_AGENT_CPUS and PACER_AGENT_RESOURCES (cpus)');
  expect(() => read({ PACER_AGENT_RECONFIGURATION_POLICY: 'some' })).toThrow(
    'PACER_AGENT_RECONFIGURATION_POLICY: "some" is not one of equal, additive, any',
  );
  expect(() => read({ PACER_AGENT_RESOURCES: 'cpus:lots' })).toThrow(
    'PACER_AGENT_RESOURCES: "cpus:lots" (entry cpus:lots) is a text',
  );
  expect(read({ PACER_AGENT_RESOURCES: 'ports:[1-2]' }).reconfiguration).toBe('any');
});

test('an address given as the hostname is where tasks are reached', () => {
  const config = read({ PACER_HOST: '0.0.0.0', PACER_AGENT_HOSTNAME: '10.0.0.7' });

  expect(advertisedHostname(config)).toBe('10.0.0.7');
  expect(advertisedAddress(config)).toBe('10.0.0.7');
});

test('several agents of one machine are reached where they listen, their tasks by their own names', () => {
  const config = read({ PACER_HOST: '127.0.0.1', PACER_AGENT_HOSTNAME: '127.0.0.3' });

  expect(advertisedAddress(config)).toBe('127.0.0.3');
  expect(apiAddress(config)).toBe('127.0.0.1');
});

test('an agent that listens on all addresses is reached where its tasks are', () => {
  expect(apiAddress({ host: '0.0.0.0', hostname: '10.0.0.7' })).toBe('10.0.0.7');
  expect(apiAddress({ host: '10.0.0.8', hostname: 'a.example' })).toBe('10.0.0.8');
  expect(apiAddress({ host: 'localhost', hostname: '' })).toBe('127.0.0.1');
});
