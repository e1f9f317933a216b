// Specs of the measurements, through the built library.
const { loadSpecText } = await import('../../dist/index.js');

export const asText = (spec) => ({
  name: 'bench.json',
  text: JSON.stringify(spec),
  format: 'json',
  resolveFile: (file) => file,
});

export async function specOf(spec) {
  const loaded = await loadSpecText(asText(spec));
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.value;
}
