// Everything here is a shortcut: each page works without this file.
(() => {
  const $ = (selector, from = document) => from.querySelector(selector);

  // copy a value or a text; says so in place, without moving anything
  const said = Object.assign(document.createElement('p'), { className: 'v' });
  said.setAttribute('role', 'status');
  document.body.append(said);
  document.addEventListener('click', async (event) => {
    const button = event.target.closest('[data-copy]');
    if (!button) return;
    const from = $(button.dataset.copy), icon = $('use', button), was = '#i-copy';
    const select = () => { if (from.select) from.select(); else getSelection().selectAllChildren(from); };
    try { await navigator.clipboard.writeText(from.value ?? from.textContent); } catch { select(); said.textContent = 'Selected, copy it with the keyboard'; return; }
    said.textContent = 'Copied';
    button.classList.add('done');
    icon?.setAttribute('href', '#i-check');
    setTimeout(() => { button.classList.remove('done'); icon?.setAttribute('href', was); said.textContent = ''; }, 2000);
  });

  // a dialog that the server opened becomes modal; Esc is its way back
  const open = $('dialog[open]');
  if (open) {
    open.removeAttribute('open');
    $('.shell')?.removeAttribute('inert');
    open.showModal();
    open.addEventListener('close', () => $('[data-back]', open)?.click());
  }
})();
