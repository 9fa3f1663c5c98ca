import { describe, expect, it } from 'vitest';
import { parseCredentials, registryOf } from './docker-credentials.js';
import { withTag } from './docker-images.js';

const auth = (text: string): string => Buffer.from(text).toString('base64');

describe('registry credentials', () => {
  it.each([
    ['nginx', 'https://index.docker.io/v1/'],
    ['library/nginx:1', 'https://index.docker.io/v1/'],
    ['docker.io/library/nginx', 'https://index.docker.io/v1/'],
    ['registry.shop:5000/web', 'registry.shop:5000'],
    ['localhost/web', 'localhost'],
  ])('finds the registry of %s', (image, registry) => {
    expect(registryOf(image)).toBe(registry);
  });

  it('are read in both formats', () => {
    const entry = { 'https://registry.shop:5000/v2/': { auth: auth('me:pass:word') } };
    const wanted = { username: 'me', password: 'pass:word', serveraddress: 'registry.shop:5000' };

    expect(parseCredentials(JSON.stringify({ auths: entry }), 'registry.shop:5000')).toEqual(
      wanted,
    );
    expect(parseCredentials(JSON.stringify(entry), 'registry.shop:5000')).toEqual(wanted);
  });

  it('are absent from other registries, broken files and entries without a password', () => {
    const other = JSON.stringify({ auths: { 'a.shop': { auth: auth('me:x') }, 'b.shop': {} } });

    expect(parseCredentials(other, 'b.shop')).toBeUndefined();
    expect(parseCredentials(other, 'c.shop')).toBeUndefined();
    expect(parseCredentials('{', 'a.shop')).toBeUndefined();
    expect(parseCredentials('[]', 'a.shop')).toBeUndefined();
  });
});

describe('withTag', () => {
  it.each([
    ['nginx', 'nginx:latest'],
    ['nginx:1', 'nginx:1'],
    ['host:5000/nginx', 'host:5000/nginx:latest'],
    ['nginx@sha256:abc', 'nginx@sha256:abc'],
  ])('turns %s into %s', (image, tagged) => {
    expect(withTag(image)).toBe(tagged);
  });
});
