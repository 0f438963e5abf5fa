// An app that listens in Firestore, as a tenant's app does: it signs in with a custom token and prints what it hears, a line of JSON each time.
//
// Its first line of input says what to do: {"token", "project_id", "database", "auth", "firestore", "paths"}; a path of an odd number of words is a
// collection. It ends with its input.

import { createInterface } from "node:readline";
import { initializeApp } from "firebase/app";
import { connectAuthEmulator, getAuth, signInWithCustomToken } from "firebase/auth";
import { collection, connectFirestoreEmulator, doc, getFirestore, onSnapshot, setLogLevel } from "firebase/firestore";

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

function listen(firestore, path) {
  const isCollection = path.split("/").length % 2 === 1;
  const heard = (snapshot) =>
    say({ path, found: isCollection ? snapshot.docs.map((found) => ({ id: found.id, ...found.data() })) : (snapshot.data() ?? null) });
  onSnapshot(isCollection ? collection(firestore, path) : doc(firestore, path), heard, (error) => say({ path, refused: error.code }));
}

async function start(asked) {
  const app = initializeApp({ projectId: asked.project_id, apiKey: "the-emulator-wants-any" });
  const auth = getAuth(app);
  connectAuthEmulator(auth, `http://${asked.auth}`, { disableWarnings: true });
  const { user } = await signInWithCustomToken(auth, asked.token);
  say({ uid: user.uid });
  const firestore = getFirestore(app, asked.database);
  const [host, port] = asked.firestore.split(":");
  connectFirestoreEmulator(firestore, host, Number(port));
  asked.paths.forEach((path) => listen(firestore, path));
}

setLogLevel("silent");
const input = createInterface({ input: process.stdin });
input.once("line", (line) => start(JSON.parse(line)).catch((error) => say({ refused: error.code ?? String(error) })));
input.on("close", () => process.exit(0));
