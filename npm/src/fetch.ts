// Reading files over the network.

import { EcphoryError, shown } from "./errors.js";

/** The bytes at `location`. */
export async function fetched(location: URL): Promise<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(location);
  } catch (error) {
    throw new EcphoryError("fetch-failed", `could not fetch ${shown(location)}: ${shown(error)}`);
  }
  return body(response);
}

/** The body of an answer that is one. */
export async function body(response: Response): Promise<Uint8Array> {
  if (!response.ok) {
    throw new EcphoryError("fetch-failed", `${shown(response.url)} answered ${response.status} ${response.statusText}`);
  }
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw new EcphoryError("fetch-failed", `could not read ${shown(response.url)}: ${shown(error)}`);
  }
}
