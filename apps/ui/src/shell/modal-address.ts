import { useCallback, useMemo } from 'react';
import { useNavigate, useSearchParams } from 'react-router';

export const MODALS = [
  'create',
  'edit',
  'scale',
  'restart',
  'suspend',
  'destroy',
  'help',
  'about',
] as const;
export type ModalName = (typeof MODALS)[number];

export interface ModalAddress {
  readonly modal: ModalName | undefined;
  /** The app the modal is about, if it is about one. */
  readonly appId: string | undefined;
  readonly open: (modal: ModalName, appId?: string) => void;
  readonly close: () => void;
}

/** Dialogs live in the query string (`?modal=scale&app=/web`), so they can be linked, and Back closes them. */
export function useModal(): ModalAddress {
  const [params, setParams] = useSearchParams();
  const navigate = useNavigate();
  const name = params.get('modal');
  const modal = MODALS.find((m) => m === name);
  const appId = params.get('app') ?? undefined;

  const open = useCallback(
    (next: ModalName, about?: string) => {
      const target = new URLSearchParams(window.location.search);
      target.set('modal', next);
      if (about === undefined) {
        target.delete('app');
      } else {
        target.set('app', about);
      }
      void navigate({ search: `?${target}` });
    },
    [navigate],
  );
  const close = useCallback(() => {
    setParams(
      (current) => {
        const target = new URLSearchParams(current);
        target.delete('modal');
        target.delete('app');
        return target;
      },
      { replace: true },
    );
  }, [setParams]);
  return useMemo(() => ({ modal, appId, open, close }), [modal, appId, open, close]);
}

/** A link target that opens a dialog on the current page. */
export function modalSearch(search: string, modal: ModalName, appId: string): string {
  const params = new URLSearchParams(search);
  params.set('modal', modal);
  params.set('app', appId);
  return `?${params}`;
}
