import { byId } from './dom.js';

/** Shows the explanation of whatever carries `data-tip` on hover, focus and touch, inside the window. */
export function startTips(): void {
  const tip = byId('tip');
  const show = (event: Event) => {
    const target = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-tip]') : null;
    if (!target) {
      tip.hidden = true;
      return;
    }
    tip.textContent = target.dataset.tip ?? '';
    tip.hidden = false;
    const at = target.getBoundingClientRect();
    const left = Math.min(Math.max(8, at.left + at.width / 2 - tip.offsetWidth / 2), innerWidth - tip.offsetWidth - 8);
    const above = at.top - tip.offsetHeight - 8;
    tip.style.left = `${left}px`;
    tip.style.top = `${above > 8 ? above : at.bottom + 8}px`;
  };
  document.addEventListener('pointerover', show);
  document.addEventListener('focusin', show);
  document.addEventListener('scroll', () => {
    tip.hidden = true;
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') tip.hidden = true;
  });
}
