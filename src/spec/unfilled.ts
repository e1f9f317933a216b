import { child } from '../base/json-pointer.js';
import type { Finding } from '../base/problem.js';
import { templateMark, templateWords } from '../base/template.js';
import type { SourceNode } from './source-tree.js';

/** Fields whose words are of another language, where the marks of a template may mean something. */
const foreign = ['hooks', 'post_start_script', 'loader'];

/** A warning for each value that looks like a template that was not filled in. */
export function unfilledValues(node: SourceNode, pointer = ''): readonly Finding[] {
  switch (node.kind) {
    case 'mapping':
      return node.entries
        .filter(({ key }) => !foreign.includes(key))
        .flatMap(({ key, value }) => unfilledValues(value, child(pointer, key)));
    case 'sequence':
      return node.items.flatMap((item, index) => unfilledValues(item, child(pointer, index)));
    case 'scalar': {
      const mark = typeof node.value === 'string' ? templateMark(node.value) : undefined;
      return mark === undefined ? [] : [{ code: 'template', severity: 'warning', pointer, ...templateWords(mark) }];
    }
  }
}
