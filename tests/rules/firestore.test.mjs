import { after, before, describe, test } from "node:test";
import { readFile } from "node:fs/promises";
import { assertFails, initializeTestEnvironment } from "@firebase/rules-unit-testing";
import { collection, collectionGroup, deleteDoc, doc, getDoc, getDocs, setDoc, updateDoc } from "firebase/firestore";

const DOCUMENTS = [
  "tenants/acme",
  "tenants/acme/profiles/alice",
  "tenants/acme/devices/d1",
  "tenants/acme/notifications/n1",
  "tenants/acme/notifications/n1/recipients/0",
  "tenants/acme/notifications/n1/chunks/0",
  "tenants/acme/notifications/n1/public/alice",
  "clients/c1",
];

let environment;

before(async () => {
  const [host, port] = process.env.FIRESTORE_EMULATOR_HOST.split(":");
  const rules = await readFile(new URL("../../firestore.rules", import.meta.url), "utf8");
  environment = await initializeTestEnvironment({
    projectId: `rules-${process.pid}`,
    firestore: { host, port: Number(port), rules },
  });
  await environment.withSecurityRulesDisabled(async (admin) => {
    await Promise.all(DOCUMENTS.map((path) => setDoc(doc(admin.firestore(), path), { owner: "alice" })));
  });
});

after(async () => {
  await environment?.cleanup();
});

const callers = {
  "somebody without a login": () => environment.unauthenticatedContext(),
  "a user": () => environment.authenticatedContext("alice", { email_verified: true }),
  "a user who claims to be an administrator": () => environment.authenticatedContext("root", { admin: true }),
  "somebody of another tenant": () => environment.authenticatedContext("eve", { tenant: "globex" }),
  "a profile of another tenant": () => environment.authenticatedContext("eve", { tenant: "globex", profile: "alice" }),
};

for (const [caller, context] of Object.entries(callers)) {
  describe(caller, () => {
    for (const path of DOCUMENTS) {
      test(`reads and writes nothing at ${path}`, async () => {
        const document = doc(context().firestore(), path);
        await assertFails(getDoc(document));
        await assertFails(setDoc(document, { owner: "mallory" }));
        await assertFails(updateDoc(document, { owner: "mallory" }));
        await assertFails(deleteDoc(document));
      });
    }

    test("lists no collection and searches none", async () => {
      await assertFails(getDocs(collection(context().firestore(), "tenants/acme/devices")));
      await assertFails(getDocs(collectionGroup(context().firestore(), "chunks")));
      await assertFails(getDocs(collection(context().firestore(), "tenants/acme/notifications")));
      await assertFails(getDocs(collectionGroup(context().firestore(), "public")));
    });

    test("creates nothing that is not there yet", async () => {
      await assertFails(setDoc(doc(context().firestore(), "tenants/other"), { owner: "mallory" }));
    });
  });
}
