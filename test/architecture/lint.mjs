// Lints lines as if they stood in a file of src/ and prints which rules of the rooms they break: a process of its own,
// since eslint's configuration does not load inside the test runner.
import { ESLint, Linter } from 'eslint';
import { roomsRule } from '../../scripts/lint-rooms.mjs';

const cases = JSON.parse(process.argv[2]);
const eslint = new ESLint({
  overrideConfig: { languageOptions: { parserOptions: { projectService: false } } },
  ruleFilter: ({ ruleId }) => /^(no-restricted-(globals|properties)|vmrun\/)/.test(ruleId),
});

/** With a table of rooms that is not vmrun's. */
function lintIn(rooms, file, code) {
  const rule = roomsRule({ root: process.cwd(), rooms, pure: [], readers: [] });
  const config = {
    files: ['**/*.ts'],
    plugins: { vmrun: { rules: { rooms: rule } } },
    rules: { 'vmrun/rooms': 'error' },
  };
  return new Linter({ cwd: process.cwd() }).verify(code, [config], { filename: file });
}

const found = [];
for (const { file, code, rooms } of cases) {
  const messages =
    rooms === undefined ? (await eslint.lintText(code, { filePath: file }))[0].messages : lintIn(rooms, file, code);
  found.push(messages.map(({ ruleId, message }) => ruleId ?? message));
}
console.log(JSON.stringify(found));
