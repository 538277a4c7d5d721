// A person's way in, in a real browser: sign in, make a token on the page, an MCP client works with what the page shows,
// revoke it, the client is refused. And what must not work: a wrong password, a cookie that was copied before one signed
// out, forms that another origin's page sends. `.ci/browser` starts the demo and this.
//
// Environment: BASE (where the demo is), DEMO_OUT (what it printed), CHROMIUM (the browser), SHOTS (a folder for pictures
// of every page, in both widths and both colour schemes; without it none are made).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { chromium } from 'playwright-core';

const { BASE, DEMO_OUT, CHROMIUM, SHOTS } = process.env;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const [, email, password] = readFileSync(DEMO_OUT, 'utf8').split('\n').find((line) => line.startsWith('approver')).split(/\s+/);
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });

/** A visitor with a window of their own; what the page's policy refuses fails the test. */
async function visitor(options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const refused = [];
  page.on('console', (message) => { if (/Content Security Policy|Uncaught/.test(message.text())) refused.push(message.text()); });
  page.on('pageerror', (error) => refused.push(String(error)));
  return { context, page, refused };
}

async function signIn(page, word = password) {
  await page.goto(`${BASE}/sign-in`);
  await page.fill('#email', email);
  await page.fill('#password', word);
  await page.click('button.go');
}

async function makeToken(page, label) {
  await page.click('a[href="/me/tokens/new"] >> nth=0');
  await page.fill('#label', label);
  await page.selectOption('#expires', '30');
  await page.click('dialog button.go');
  await page.waitForSelector('#token');
  // What a person would paste.
  return JSON.parse(await page.textContent('#mcp-servers'));
}

/** A client of the protocol, set up with the configuration that the page shows. */
async function client(config) {
  const { type, url, headers } = config.mcpServers['loonflow-ticket'];
  assert.equal(type, 'http');
  const one = new Client({ name: 'browser-test', version: '1' });
  await one.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
  return one;
}

const list = async (one) => await one.callTool({ name: 'ticket_list', arguments: { category: 'duty' } });

/** A page of another origin that sends a form to ours as soon as it is open. */
async function foreign(host) {
  const server = createServer((request, response) => {
    const path = new URL(request.url, 'http://x').searchParams.get('to');
    response.setHeader('content-type', 'text/html');
    response.end(`<form method="post" action="${BASE}${path}"><input name="label" value="stolen"><input name="email" value="${email}">
      <input name="password" value="${password}"></form><script>document.forms[0].submit()</script>`);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: (path) => `http://${host}:${server.address().port}/?to=${path}`, close: () => server.close() };
}

const tests = {
  async 'the approver makes a token, a client works with it, and is refused once it is revoked'() {
    const { page, context, refused } = await visitor();
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.goto(`${BASE}/me/tokens`);
    await page.waitForURL(/\/sign-in\?next=/);
    await signIn(page);
    await page.waitForURL(`${BASE}/me/tokens`);
    const config = await makeToken(page, 'Desk <b>assistant</b>');
    const token = await page.inputValue('#token');
    await page.click('[data-copy="#token"]');
    await page.waitForSelector('.done');
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), token);

    const one = await client(config);
    const found = await list(one);
    assert.ok(!found.isError && found.structuredContent.total > 0, JSON.stringify(found));

    // Loading the page again sends the form again: nothing more is made, and the token is gone from sight.
    await page.reload();
    await page.waitForURL(`${BASE}/me/tokens`);
    const rows = page.locator('tbody tr', { hasText: 'Desk <b>assistant</b>' });
    assert.equal(await rows.count(), 1);
    assert.ok(!(await page.content()).includes(token));
    assert.match(await rows.first().textContent(), /just now.*just now/s);

    await rows.first().getByRole('link', { name: /^Revoke/ }).click();
    await page.waitForSelector('dialog:modal');
    await page.keyboard.press('Escape');
    await page.waitForURL(`${BASE}/me/tokens`);
    assert.ok(!(await list(one)).isError, 'Escape is the way back');
    await rows.first().getByRole('link', { name: /^Revoke/ }).click();
    await page.click('dialog button.harm');
    await page.waitForSelector('[role=status]:has-text("is revoked")');
    const after = await list(one);
    assert.ok(after.isError && after.content[0].text.startsWith('token_revoked'), JSON.stringify(after));
    await one.close();
    assert.deepEqual(refused, []);
    await context.close();
  },

  async 'all of it works by keyboard alone'() {
    const { page, context } = await visitor();
    await page.goto(`${BASE}/sign-in`);
    await page.keyboard.type(email);
    await page.keyboard.press('Tab');
    await page.keyboard.type(password);
    await page.keyboard.press('Enter');
    await page.waitForURL(`${BASE}/me/tokens`);
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to content');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'New token…');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/new$/);
    await page.keyboard.type('Keyboard');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#token');
    await context.close();
  },

  async 'all of it works without script'() {
    const { page, context } = await visitor({ javaScriptEnabled: false });
    await signIn(page);
    await page.waitForURL(`${BASE}/me/tokens`);
    const one = await client(await makeToken(page, 'No script'));
    assert.ok(!(await list(one)).isError);
    assert.equal(await page.locator('[data-copy]:visible').count(), 0, 'a button that does nothing is not shown');
    await page.click('text=back to the list');
    await page.locator('tbody tr', { hasText: 'No script' }).getByRole('link', { name: /^Revoke/ }).click();
    await page.click('dialog button.harm');
    assert.ok((await list(one)).isError);
    await one.close();
    await page.click('text=Sign out');
    await page.waitForURL(/\/sign-in\?out=1$/);
    await context.close();
  },

  async 'a wrong password is refused, and says no more'() {
    const { page, context } = await visitor();
    await signIn(page, 'wrong');
    assert.equal(await page.textContent('[role=alert]'), 'E-mail or password is not right.');
    assert.equal(await page.inputValue('#email'), email);
    assert.equal(await page.inputValue('#password'), '');
    assert.deepEqual(await context.cookies(), []);
    await context.close();
  },

  async 'a cookie that was copied is worth nothing once one signed out'() {
    const own = await visitor();
    await signIn(own.page);
    await own.page.waitForURL(`${BASE}/me/tokens`);
    const cookies = await own.context.cookies();
    assert.deepEqual(cookies.map((one) => [one.name, one.httpOnly, one.sameSite, one.path]), [['loonflow_session', true, 'Lax', '/']]);
    assert.equal(await own.page.evaluate(() => document.cookie), '');
    const thief = await visitor();
    await thief.context.addCookies(cookies);
    await thief.page.goto(`${BASE}/me/tokens`);
    assert.equal(await thief.page.textContent('h1'), 'Personal Information');
    await own.page.click('text=Sign out');
    await own.page.waitForURL(/\/sign-in\?out=1$/);
    await thief.page.reload();
    assert.match(thief.page.url(), /\/sign-in\?next=/);
    await own.page.goBack();
    assert.match(own.page.url(), /\/sign-in/, 'nor does the way back show anything');
    await own.context.close();
    await thief.context.close();
  },

  async 'forms of other origins are refused'() {
    const { page, context } = await visitor();
    await signIn(page);
    await page.waitForURL(`${BASE}/me/tokens`);
    const n_before = await page.locator('tbody tr').count();
    // The same site at another port, to which browsers send the cookie; and another site.
    for (const host of ['127.0.0.1', 'localhost']) {
      const other = await foreign(host);
      for (const path of ['/me/tokens', '/sign-out', '/sign-in']) {
        await page.goto(other.url(path));
        await page.waitForURL(`${BASE}${path}`);
        assert.match(await page.textContent('main'), /not sent by a page of this server/, `${host} ${path}`);
      }
      other.close();
    }
    await page.goto(`${BASE}/me/tokens`);
    assert.equal(await page.locator('tbody tr').count(), n_before, 'still signed in, and nothing was made');
    await context.close();
  },

  async 'every page is well made in both widths and both schemes'() {
    for (const [width, height] of [[1440, 900], [390, 844]]) for (const colorScheme of ['light', 'dark']) {
      // The judge is a script of ours in the page, which the page's own policy would refuse.
      const { page, context } = await visitor({ viewport: { width, height }, colorScheme, bypassCSP: true });
      const look = async (name) => {
        if (SHOTS) await page.screenshot({ path: `${SHOTS}/${name}-${width}-${colorScheme}.png`, fullPage: true });
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} scrolls sideways at ${width}`);
        await page.evaluate(axe);
        const found = await page.evaluate(async () => (await axe.run()).violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target)}`));
        assert.deepEqual(found, [], `${name} at ${width}, ${colorScheme}`);
      };
      await page.goto(`${BASE}/sign-in`);
      await look('sign-in');
      await signIn(page, 'wrong');
      await page.waitForSelector('[role=alert]');
      await look('sign-in-wrong');
      await signIn(page);
      await page.waitForURL(`${BASE}/me/tokens`);
      await look('list');
      await page.goto(`${BASE}/me/tokens/new`);
      await look('new');
      await page.goto(`${BASE}/me/tokens`);
      await makeToken(page, `Phone ${width} ${colorScheme}`);
      await look('made');
      await page.click('text=back to the list');
      await page.getByRole('link', { name: `Revoke Phone ${width} ${colorScheme}` }).click();
      await page.waitForSelector('dialog');
      await look('revoke');
      await page.click('dialog button.harm');
      await page.waitForSelector('[role=status]');
      await look('revoked');
      if (width < 1024) {
        await page.click('.side > button.only');
        await look('menu');
      }
      await page.goto(`${BASE}/me/tokens/none/revoke`);
      await look('problem');
      await context.close();
    }
  },
};

let n_failed = 0;
for (const [name, test] of Object.entries(tests)) {
  try {
    await test();
    console.log(`ok     ${name}`);
  } catch (error) {
    n_failed += 1;
    console.log(`FAILED ${name}\n${error.stack}`);
  }
}
await browser.close();
console.log(`${Object.keys(tests).length - n_failed} passed, ${n_failed} failed`);
process.exitCode = n_failed ? 1 : 0;
