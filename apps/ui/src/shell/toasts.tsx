import { CloseButton } from '@mantine/core';
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react';
import { Icon } from './icons.js';

export interface Toast {
  readonly tone: 'good' | 'bad';
  readonly text: string;
}

/** Bad news stays until it is closed, or pushed out by newer toasts. */
const GOOD_TOAST_MS = 5_000;
const MAX_TOASTS = 4;

interface Toasts {
  readonly show: (toast: Toast) => void;
}

const ToastsContext = createContext<Toasts>({ show: () => undefined });

export function useToasts(): Toasts {
  return useContext(ToastsContext);
}

let nextId = 1;

export function ToastsProvider({ children }: { readonly children: ReactNode }) {
  const [items, setItems] = useState<readonly (Toast & { readonly id: number })[]>([]);
  const close = useCallback((id: number) => setItems((all) => all.filter((t) => t.id !== id)), []);
  const toasts = useMemo<Toasts>(
    () => ({
      show: (toast) => {
        const id = nextId++;
        setItems((all) => [...all.slice(1 - MAX_TOASTS), { ...toast, id }]);
        if (toast.tone === 'good') {
          setTimeout(() => close(id), GOOD_TOAST_MS);
        }
      },
    }),
    [close],
  );
  return (
    <ToastsContext value={toasts}>
      {children}
      <section className="pc-toasts" aria-label="Notifications" aria-live="polite">
        {items.map((toast) => (
          <div key={toast.id} className={`pc-toast pc-toast--${toast.tone}`}>
            <Icon name={toast.tone === 'good' ? 'check' : 'alert'} />
            <span>{toast.text}</span>
            <CloseButton
              size="sm"
              aria-label="Dismiss notification"
              onClick={() => close(toast.id)}
            />
          </div>
        ))}
      </section>
    </ToastsContext>
  );
}
