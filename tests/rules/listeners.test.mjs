// What the two kinds of tokens of POST /api/v1/stream-token may read, and everything that they may not.

import { after, before, describe, test } from "node:test";
import { readFile } from "node:fs/promises";
import { assertFails, assertSucceeds, initializeTestEnvironment } from "@firebase/rules-unit-testing";
import {
  collection, collectionGroup, deleteDoc, doc, documentId, getDoc, getDocs, onSnapshot, query, setDoc, updateDoc, where,
} from "firebase/firestore";

const OWN = "tenants/acme/notifications/n1/public/alice";
const NOTIFICATION = "tenants/acme/notifications/n1";
const BESIDE = [
  "clients/c1",
  "projects/acme-app",
  "tenants/acme",
  "tenants/acme/audit/a1",
  "tenants/acme/devices/d1",
  "tenants/acme/events/e1",
  "tenants/acme/keys/k1",
  "tenants/acme/profiles/alice",
  "tenants/acme/webhooks/w1",
  "tenants/acme/notifications/n1/chunks/0",
  "tenants/acme/notifications/n1/progress/0",
  "tenants/acme/notifications/n1/receipts/d1",
  "tenants/acme/notifications/n1/recipients/0",
  "tenants/acme/notifications/n1/public/alice/deeper/x",
  "tenants/acme/notifications/n1/public/bob",
  "tenants/globex/notifications/n1",
  "tenants/globex/notifications/n1/public/alice",
];
const NOW = Math.floor(Date.now() / 1000);

let environment;

before(async () => {
  const [host, port] = process.env.FIRESTORE_EMULATOR_HOST.split(":");
  const rules = await readFile(new URL("../../firestore.rules", import.meta.url), "utf8");
  environment = await initializeTestEnvironment({
    projectId: `listeners-${process.pid}`,
    firestore: { host, port: Number(port), rules },
  });
  await environment.withSecurityRulesDisabled(async (admin) => {
    const paths = [OWN, NOTIFICATION, ...BESIDE];
    await Promise.all(paths.map((path) => setDoc(doc(admin.firestore(), path), { status: "queued", tenant: "acme", profile_id: "alice" })));
  });
});

after(async () => {
  await environment?.cleanup();
});

const profile = (claims = {}) => environment.authenticatedContext("of-alice", { tenant: "acme", profile: "alice", ...claims }).firestore();
const tenant = (claims = {}) => environment.authenticatedContext("of-acme", { tenant: "acme", ...claims }).firestore();

const heard = (reference) =>
  new Promise((resolve, reject) => {
    const stop = onSnapshot(reference, (snapshot) => (stop(), resolve(snapshot)), reject);
  });

async function assertWritesNothing(store, path) {
  await assertFails(setDoc(doc(store, path), { status: "completed" }));
  await assertFails(updateDoc(doc(store, path), { status: "completed" }));
  await assertFails(deleteDoc(doc(store, path)));
}

describe("a profile's token", () => {
  test("reads its own document, and listens to it", async () => {
    await assertSucceeds(getDoc(doc(profile(), OWN)));
    await assertSucceeds(heard(doc(profile(), OWN)));
  });

  test("may ask for its own document before there is one", async () => {
    await assertSucceeds(getDoc(doc(profile(), "tenants/acme/notifications/n2/public/alice")));
  });

  test("reads until it ends, and no longer", async () => {
    await assertSucceeds(getDoc(doc(profile({ until: NOW + 600 }), OWN)));
    await assertFails(getDoc(doc(profile({ until: NOW - 1 }), OWN)));
    await assertFails(heard(doc(profile({ until: NOW - 1 }), OWN)));
  });

  for (const path of [NOTIFICATION, ...BESIDE]) {
    test(`does not read ${path}`, async () => {
      await assertFails(getDoc(doc(profile(), path)));
      await assertFails(heard(doc(profile(), path)));
    });
  }

  test("lists nothing, not even its own documents", async () => {
    const store = profile();
    await assertFails(getDocs(collection(store, "tenants/acme/notifications")));
    await assertFails(getDocs(collection(store, "tenants/acme/notifications/n1/public")));
    await assertFails(getDocs(query(collection(store, "tenants/acme/notifications/n1/public"), where(documentId(), "==", "alice"))));
    await assertFails(getDocs(query(collectionGroup(store, "public"), where("tenant", "==", "acme"), where("profile_id", "==", "alice"))));
  });

  test("writes nothing", async () => {
    for (const path of [OWN, NOTIFICATION, "tenants/acme/notifications/n2/public/alice"]) {
      await assertWritesNothing(profile(), path);
    }
  });

  for (const claims of [{ profile: "" }, { profile: null }, { profile: ["alice"] }, { profile: "bob" }, { tenant: "" }, { tenant: null }, { tenant: ["acme"] }]) {
    test(`opens nothing with ${JSON.stringify(claims)}`, async () => {
      await assertFails(getDoc(doc(profile(claims), OWN)));
      await assertFails(getDoc(doc(profile(claims), NOTIFICATION)));
    });
  }
});

describe("a tenant's token", () => {
  test("reads a notification, lists them, and listens to both", async () => {
    const store = tenant();
    await assertSucceeds(getDoc(doc(store, NOTIFICATION)));
    await assertSucceeds(getDocs(collection(store, "tenants/acme/notifications")));
    await assertSucceeds(heard(doc(store, NOTIFICATION)));
    await assertSucceeds(heard(query(collection(store, "tenants/acme/notifications"), where("status", "==", "queued"))));
  });

  test("reads until it ends, and no longer", async () => {
    await assertSucceeds(getDoc(doc(tenant({ until: NOW + 600 }), NOTIFICATION)));
    await assertFails(getDoc(doc(tenant({ until: NOW - 1 }), NOTIFICATION)));
    await assertFails(getDocs(collection(tenant({ until: NOW - 1 }), "tenants/acme/notifications")));
  });

  for (const path of [OWN, ...BESIDE]) {
    test(`does not read ${path}`, async () => {
      await assertFails(getDoc(doc(tenant(), path)));
      await assertFails(heard(doc(tenant(), path)));
    });
  }

  test("lists nothing below or beside, nothing of another tenant, and nothing of all tenants", async () => {
    const store = tenant();
    for (const path of ["n1/public", "n1/chunks", "n1/recipients", "n1/receipts"]) {
      await assertFails(getDocs(collection(store, `tenants/acme/notifications/${path}`)));
    }
    for (const path of ["tenants", "tenants/acme/devices", "tenants/globex/notifications"]) {
      await assertFails(getDocs(collection(store, path)));
    }
    for (const name of ["notifications", "public", "chunks"]) {
      await assertFails(getDocs(query(collectionGroup(store, name), where("tenant", "==", "acme"))));
    }
  });

  test("writes nothing", async () => {
    for (const path of [NOTIFICATION, OWN, "tenants/acme/notifications/n2"]) {
      await assertWritesNothing(tenant(), path);
    }
  });
});
