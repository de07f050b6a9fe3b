// From a sentence to ids, as vl_track/nn/text/tokenizers.py and piece_tokens.py do it.

const MAX_LETTERS = 40, LEAST_LETTERS = 2;    // of WordPieceTokenizer

/** L letter, N digit, M mark, S emoji and other symbol, P the rest. */
function kindOf(character) {
  if (/\p{So}/u.test(character)) return "S";
  const found = /^(?:(\p{L})|(\p{N})|(\p{M}))$/u.exec(character);
  if (!found) return "P";
  return found[1] ? "L" : found[2] ? "N" : "M";
}

/** Letters, digits and symbols are split from each other; marks belong to their letter. */
export function splitWords(sentence) {
  const words = [];
  let before = "";
  for (const character of sentence.normalize("NFC").toLowerCase()) {
    let kind = kindOf(character);
    if (kind === "M" && (before === "L" || before === "S")) kind = before;
    if (kind === before && (kind === "L" || kind === "N")) words[words.length - 1] += character;
    else if (kind === "L" || kind === "N" || kind === "S") words.push(character);
    before = kind;
  }
  return words;
}

/** One id a word. */
class WordList {
  constructor({ words, silent }) {
    this.id = new Map(words.map((word, number) => [word, number]));
    this.silent = new Set(silent);
  }

  knows(word) { return this.id.has(word); }

  describing(sentence) { return splitWords(sentence).filter((word) => !this.silent.has(word)); }

  ids(sentence) {
    return splitWords(sentence).filter((word) => this.id.has(word)).map((word) => this.id.get(word));
  }
}

/** Word pieces of BERT: the longest that fits, from the left. */
class WordPieces {
  constructor({ words, silent }) {
    this.id = new Map(words.map((piece, number) => [piece, number]));
    this.silent = new Set(silent);
  }

  describing(sentence) { return splitWords(sentence).filter((word) => !this.silent.has(word)); }

  ids(sentence) {
    return this.describing(sentence).filter((word) => this.knows(word))
      .flatMap((word) => this.pieces(word).map((piece) => this.id.get(piece)));
  }

  knows(word) {
    const pieces = this.pieces(word);
    if (pieces.length <= 1) return pieces.length === 1;
    const longest = Math.max(...pieces.map((piece) => piece.replace(/^##/, "").length));
    return longest >= Math.max(LEAST_LETTERS, [...word].length / 3);
  }

  /** No pieces where a word has other than ASCII letters, or letters that no piece has. */
  pieces(word) {
    const plain = word.normalize("NFD").replace(/\p{Mn}/gu, "").toLowerCase();
    if (!/^[\x21-\x7e]+$/.test(plain) || plain.length > MAX_LETTERS) return [];
    const found = [];
    for (let start = 0; start < plain.length;) {
      let end = plain.length;
      const named = () => (start ? "##" : "") + plain.slice(start, end);
      while (end > start && !this.id.has(named())) end -= 1;
      if (end === start) return [];
      found.push(named());
      start = end;
    }
    return found;
  }
}

export const tokenizerOf = (text) => (text.kind === "pieces" ? new WordPieces(text) : new WordList(text));

/** Whether a sentence is there at all: full stops and blanks say nothing. */
export const isSaid = (sentence) => sentence.replaceAll(".", " ").trim() !== "";

/** What a user should know about how a sentence is read; empty if all is well. */
export function remarksOn(sentence, tokenizer, most) {
  const words = tokenizer.describing(sentence);
  const unknown = words.filter((word) => !tokenizer.knows(word));
  const notes = [];
  if (unknown.length) {
    const rest = unknown.length < words.length ? ", so only the other words count" : "";
    notes.push(`The model does not know ${unknown.map((word) => `'${word}'`).join(", ")}${rest}.`);
  }
  const count = tokenizer.ids(sentence).length;
  if (count > most) notes.push(`The sentence has ${count} tokens; the first ${most} are used.`);
  return notes.join(" ");
}
