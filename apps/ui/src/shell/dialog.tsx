import { Modal, type ModalProps } from '@mantine/core';
import { useEffect, useState } from 'react';

type DialogProps = Pick<
  ModalProps,
  'title' | 'onClose' | 'size' | 'zIndex' | 'closeOnClickOutside' | 'children'
>;

/** A dialog that is open as long as it is drawn. Escape closes it; the focus goes back to where it came from. */
export function Dialog(props: DialogProps) {
  useFocusReturn();
  return <Modal opened closeButtonProps={{ 'aria-label': 'Close' }} {...props} />;
}

/** Remembers what has the focus when this is first drawn and gives it back at the end. */
export function useFocusReturn(): void {
  const [origin] = useState(focusOrigin);
  useEffect(
    () => () => {
      if (origin?.isConnected) {
        origin.focus();
      }
    },
    [origin],
  );
}

/** An item of a menu is gone by the time the focus comes back, so the menu's button stands for it. */
function focusOrigin(): HTMLElement | undefined {
  const active = document.activeElement;
  const menuButton = active?.closest('[role="menu"]')?.getAttribute('aria-labelledby');
  const element = menuButton ? document.getElementById(menuButton) : active;
  return element instanceof HTMLElement && element !== document.body ? element : undefined;
}
