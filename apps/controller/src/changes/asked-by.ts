import type { FastifyRequest } from 'fastify';
import { principalOf } from '#platform';

/** Who asks for a change; nobody where no credentials are asked for. */
export interface AskedBy {
  readonly by?: string;
}

export function askedBy({ raw }: FastifyRequest): AskedBy {
  const by = principalOf(raw);
  return by === undefined ? {} : { by };
}

/** The same of what holds more. */
export const onlyBy = ({ by }: AskedBy): AskedBy => (by === undefined ? {} : { by });
