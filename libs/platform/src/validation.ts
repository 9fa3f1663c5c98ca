import type { PipeTransform, ValidationError, ValidationPipe } from '@nestjs/common';
import { ApiError, type ErrorDetail } from './api-error.js';

/**
 * Checks DTOs with class-validator. A body that breaks a rule gets 422 `Object is not valid` with one detail per field,
 * paths as Marathon writes them: `/container/portMappings(0)/hostPort`.
 */
export function createValidationPipe(): PipeTransform {
  // Loaded with the first body: class-validator would slow the start of every daemon.
  let pipe: Promise<ValidationPipe> | undefined;
  return {
    async transform(value: unknown, metadata): Promise<unknown> {
      pipe ??= loadPipe();
      return (await pipe).transform(value, metadata);
    },
  };
}

async function loadPipe(): Promise<ValidationPipe> {
  const nest = await import('@nestjs/common');
  return new nest.ValidationPipe({
    transform: true,
    exceptionFactory: (errors) =>
      new ApiError(422, 'Object is not valid', { details: toErrorDetails(errors) }),
  });
}

/** Flattens class-validator's tree to one entry per field. */
export function toErrorDetails(
  errors: readonly ValidationError[],
  parent = '',
): readonly ErrorDetail[] {
  return errors.flatMap((error) => {
    const path = /^\d+$/.test(error.property)
      ? `${parent}(${error.property})`
      : `${parent}/${error.property}`;
    const messages = Object.values(error.constraints ?? {});
    const own = messages.length === 0 ? [] : [{ path, errors: messages }];
    return [...own, ...toErrorDetails(error.children ?? [], path)];
  });
}
