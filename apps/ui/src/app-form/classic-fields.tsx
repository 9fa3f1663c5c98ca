import { SimpleGrid, Stack, Textarea, TextInput } from '@mantine/core';
import type { FieldErrors, FieldName } from './app-form.js';
import type { Draft } from './use-draft.js';

interface ClassicFieldsProps {
  readonly draft: Draft;
  readonly isIdFixed: boolean;
  readonly serverErrors: FieldErrors;
}

/** ID, Command, CPUs, Memory, Instances, URIs: enough for a first app. */
export function ClassicFields({ draft, isIdFixed, serverErrors }: ClassicFieldsProps) {
  const field = (name: FieldName) => ({
    value: draft.fields[name],
    error: draft.fieldErrors[name] ?? serverErrors[name],
    onChange: (event: { currentTarget: { value: string } }) =>
      draft.setField(name, event.currentTarget.value),
  });
  return (
    <Stack gap="sm">
      <TextInput
        label="ID"
        description="A path; the parts before the last are groups."
        placeholder="/shop/web"
        readOnly={isIdFixed}
        autoComplete="off"
        spellCheck={false}
        {...(isIdFixed ? {} : { 'data-autofocus': true })}
        {...field('id')}
      />
      <Textarea
        label="Command"
        description="Runs in a shell; listen on $PORT0. Leave empty for an image that brings its own."
        placeholder="python3 -m http.server $PORT0"
        autosize
        minRows={2}
        maxRows={8}
        spellCheck={false}
        classNames={{ input: 'pc-code-input' }}
        {...field('cmd')}
      />
      <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="sm">
        <TextInput label="CPUs" placeholder="1" inputMode="decimal" {...field('cpus')} />
        <TextInput label="Memory (MiB)" placeholder="128" inputMode="decimal" {...field('mem')} />
        <TextInput label="Instances" placeholder="1" inputMode="numeric" {...field('instances')} />
      </SimpleGrid>
      <Textarea
        label="URIs"
        description="Fetched before the start, one a line. Archives are unpacked."
        placeholder="https://example.com/app.tgz"
        autosize
        minRows={1}
        maxRows={6}
        spellCheck={false}
        classNames={{ input: 'pc-code-input' }}
        {...field('uris')}
      />
    </Stack>
  );
}
