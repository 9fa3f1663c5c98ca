export const SEARCH_INPUT_ID = 'app-search';

/** Puts the cursor into the search box if the page has one. */
export function focusSearch(): boolean {
  const input = document.getElementById(SEARCH_INPUT_ID);
  if (input instanceof HTMLInputElement) {
    input.focus();
    input.select();
    return true;
  }
  return false;
}
