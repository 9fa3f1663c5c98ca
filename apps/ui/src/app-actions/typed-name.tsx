import { TextInput } from '@mantine/core';

/** Destroying more instances than this asks for the name to be typed. */
const TYPED_NAME_ABOVE = 10;

export const asksForName = (instances: number): boolean => instances > TYPED_NAME_ABOVE;

interface TypedNameProps {
  readonly name: string;
  readonly typed: string;
  readonly onType: (text: string) => void;
}

/** Where the name is typed that a big destruction asks for. It has the focus of its dialog. */
export function TypedName({ name, typed, onType }: TypedNameProps) {
  return (
    <TextInput
      mt="md"
      label={`Type ${name} to confirm`}
      autoComplete="off"
      spellCheck={false}
      value={typed}
      onChange={(event) => onType(event.currentTarget.value)}
      data-autofocus
    />
  );
}
