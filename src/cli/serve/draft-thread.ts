import { draftOf, type DraftRequest } from '../../api/native/draft.js';

/** What a thread does with a draft. @returns the answer as JSON, which is quicker to hand over than what it says */
export const answer = async (request: DraftRequest): Promise<string> => JSON.stringify(await draftOf(request));
