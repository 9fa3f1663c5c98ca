import { CloseButton, Kbd, TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import { Icon } from '../shell/icons.js';
import { SEARCH_INPUT_ID } from '../shell/search-focus.js';

/** Typing is shown at once and searched for after this pause. */
const SEARCH_PAUSE_MS = 120;

interface SearchBoxProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly label?: string;
  readonly placeholder?: string;
}

export function SearchBox({
  value,
  onChange,
  label = 'Search applications',
  placeholder = 'Search by name, image or label',
}: SearchBoxProps) {
  const [text, setText] = useState(value);
  const [sent, setSent] = useState(value);
  const [seen, setSeen] = useState(value);
  if (value !== seen) {
    setSeen(value);
    // Not what was sent from here, so a link, Back, or "clear filters" changed the address.
    if (value !== sent) {
      setSent(value);
      setText(value);
    }
  }
  useEffect(() => {
    if (text === value) {
      return;
    }
    const timer = setTimeout(() => {
      setSent(text);
      onChange(text);
    }, SEARCH_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, value, onChange]);

  return (
    <TextInput
      id={SEARCH_INPUT_ID}
      className="pc-search"
      type="search"
      role="searchbox"
      aria-label={label}
      placeholder={placeholder}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === 'Escape') {
          setText('');
          event.currentTarget.blur();
        }
      }}
      leftSection={<Icon name="search" />}
      rightSection={
        text === '' ? (
          <Kbd size="xs">/</Kbd>
        ) : (
          <CloseButton size="sm" aria-label="Clear search" onClick={() => setText('')} />
        )
      }
    />
  );
}
