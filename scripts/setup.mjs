import { buildBundles } from './setup/bundles.mjs';
import { provideChromium } from './setup/chromium.mjs';
import { installDependencies } from './setup/dependencies.mjs';
import { provideEditor } from './setup/editor.mjs';
import { provideModel } from './setup/model.mjs';
import { provideNode24 } from './setup/node24.mjs';
import { provideTrainer } from './setup/trainer.mjs';

/**
 * Everything that a command needs beyond git, Node and npm. Each function does in milliseconds what is done already, and
 * shows on stderr what it does. Only Node's own modules are used until the dependencies are there.
 */

/** For commands that look at sources only. */
export async function setUpDependencies() {
  await installDependencies();
}

/** The bundles and the trainer in dist/. */
export async function setUpBuild() {
  await installDependencies();
  await buildBundles();
  await provideTrainer();
}

/**
 * What runs the product outside an editor.
 *
 * @returns {Promise<{ node: string, model: string }>}
 */
export async function setUpProduct() {
  await setUpBuild();
  const node = await provideNode24();
  return { node, model: await provideModel(node) };
}

/**
 * What runs the product in the editor that serves a browser.
 *
 * @returns {Promise<{ node: string, model: string, editor: string }>}
 */
export async function setUpServedEditor() {
  const product = await setUpProduct();
  return { ...product, editor: await provideEditor(product.node) };
}

/**
 * What the tests need: the product, an editor and a browser.
 *
 * @returns {Promise<{ node: string, model: string, editor: string, chromium: string }>}
 */
export async function setUpTests() {
  const served = await setUpServedEditor();
  return { ...served, chromium: await provideChromium() };
}
