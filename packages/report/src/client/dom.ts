/** Makes an element; text children are text, never markup. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | number | boolean>> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false) continue;
    element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children);
  return element;
}

/** The element of the page with this id. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element "${id}"`);
  return element;
}

/** A choice of a select or of a row of buttons. */
export interface Choice {
  readonly value: string;
  readonly name: string;
  readonly hint?: string;
}

/** A labelled select; `set` moves it without telling `onChange`. */
export function select(label: string, choices: readonly Choice[], value: string, onChange: (value: string) => void) {
  const box = h('select', {}, ...choices.map((choice) => h('option', { value: choice.value }, choice.name)));
  box.value = value;
  box.addEventListener('change', () => onChange(box.value));
  const element = h('label', { class: 'field' }, h('span', {}, label), box);
  return {
    element,
    set: (next: string) => {
      box.value = next;
    },
  };
}

/** A row of buttons of which one is pressed. */
export function segmented(label: string, choices: readonly Choice[], value: string, onChange: (value: string) => void) {
  const buttons = choices.map((choice) =>
    h(
      'button',
      {
        type: 'button',
        'aria-pressed': choice.value === value ? 'true' : 'false',
        ...(choice.hint ? { 'data-tip': choice.hint } : {}),
      },
      choice.name,
    ),
  );
  buttons.forEach((button, i) => {
    button.addEventListener('click', () => {
      for (const other of buttons) other.setAttribute('aria-pressed', String(other === button));
      onChange(choices[i].value);
    });
  });
  return h('div', { class: 'segmented', role: 'group', 'aria-label': label }, ...buttons);
}
