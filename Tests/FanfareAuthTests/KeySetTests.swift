import FanfareTestKit
import Foundation
import JWTKit
import NIOCore
import Synchronization
import Testing

@testable import FanfareAuth
@testable import FanfareCore

@Suite("Tokens: key sets")
struct KeySetTests {
    /// A clock that a test moves.
    final class Time: Sendable {
        let seconds = Mutex<UInt64>(1_000)
        var clock: NodeClock {
            NodeClock(
                wallMicroseconds: { UInt64(TestKeys.now) * 1_000_000 },
                monotonicMicroseconds: { self.seconds.withLock { $0 } * 1_000_000 })
        }
        func pass(_ count: UInt64) { seconds.withLock { $0 += count } }
    }

    /// A pair of keys as PEM and as an entry of a key set.
    struct Entry {
        let pair: TestKeys.Pair
        let json: String

        static func ecdsa(_ id: String, _ more: String = "") async throws -> Entry {
            let pair = try await TestKeys.ecdsa()
            let key = try ES256PublicKey(pem: pair.publicPEM)
            let (x, y) = try #require(key.parameters)
            return Entry(
                pair: pair,
                json: #"{"kty":"EC","crv":"P-256","kid":"\#(id)","x":"\#(url(x))","y":"\#(url(y))"\#(more)}"#)
        }

        static func rsa(_ id: String) async throws -> Entry {
            let pair = try await TestKeys.rsa()
            let (n, e) = try Insecure.RSA.PublicKey(pem: pair.publicPEM).getKeyPrimitives()
            let (modulus, exponent) = (Base64URL.encode(n), Base64URL.encode(e))
            return Entry(
                pair: pair,
                json: #"{"kty":"RSA","use":"sig","alg":"RS256","kid":"\#(id)","n":"\#(modulus)","e":"\#(exponent)"}"#)
        }

        static func eddsa(_ id: String) async throws -> Entry {
            let pair = try await TestKeys.eddsa()
            let x = try Base64URL.encode(EdDSA.PublicKey(pem: pair.publicPEM).rawRepresentation)
            return Entry(pair: pair, json: #"{"kty":"OKP","crv":"Ed25519","kid":"\#(id)","x":"\#(x)"}"#)
        }

        private static func url(_ base64: String) -> String {
            base64.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        }
    }

    private func set(_ entries: String...) -> String { #"{"keys":[\#(entries.joined(separator: ","))]}"# }

    /// As the node does: asks, learns keys if that may help, asks once more.
    private func refusal(_ test: VerifierUnderTest, _ token: String) async -> TokenRefusal? {
        var verdict = test.verifier.connection(token)
        if case .undecided = verdict {
            verdict = test.verifier.connection(token, after: await test.verifier.learnKeys())
        }
        if case .refused(let refusal) = verdict { return refusal }
        return nil
    }

    @Test("a file with keys of all kinds serves tokens by their kid")
    func file() async throws {
        let (rsa, ecdsa, eddsa) = try await (Entry.rsa("r"), Entry.ecdsa("e"), Entry.eddsa("d"))
        try await TestKeys.withFolder { folder in
            let strange = #"{"kty":"oct","kid":"s","k":"AAAA"}"#
            try set(strange, rsa.json, ecdsa.json, eddsa.json)
                .write(toFile: folder + "/keys.json", atomically: true, encoding: .utf8)
            let test = try await VerifierUnderTest { $0.keySet = KeySetLocation(folder + "/keys.json") }
            for (entry, id) in [(rsa, "r"), (ecdsa, "e"), (eddsa, "d")] {
                let token = try await entry.pair.sign(#"{"sub":"42"}"#, kid: id)
                #expect(await refusal(test, token) == nil)
                let unnamed = try await entry.pair.sign(#"{"sub":"42"}"#)
                #expect(await refusal(test, unnamed) == nil, "the only key of its kind")
                let wrong = try await entry.pair.sign(#"{"sub":"42"}"#, kid: "other")
                #expect(await refusal(test, wrong) == .keyPending, "the file may have it a moment later")
            }
        }
    }

    @Test("keys for encryption, of other curves, and short ones are not used")
    func unusable() async throws {
        let entry = try await Entry.ecdsa("e", #","use":"enc""#)
        await #expect(throws: TokenKeyError.noUsableKey) {
            try await KeySet.read(ByteBuffer(string: set(entry.json)))
        }
        let other = entry.json.replacing("P-256", with: "P-384").replacing(#","use":"enc""#, with: "")
        await #expect(throws: TokenKeyError.noUsableKey) { try await KeySet.read(ByteBuffer(string: set(other))) }
        let entries = try await [
            Entry.ecdsa("kept", #","use":"sig","key_ops":["sign","verify"]"#), .ecdsa("enc", #","use":"enc""#),
            .ecdsa("odd", #","use":5"#), .ecdsa("wrap", #","key_ops":["wrapKey"]"#), .ecdsa("none", #","key_ops":[]"#),
            .ecdsa("text", #","key_ops":"verify""#),
        ]
        let some = try await KeySet.read(
            ByteBuffer(string: #"{"keys":[\#(entries.map(\.json).joined(separator: ","))]}"#))
        #expect(some.keys.map(\.id) == ["kept"])
        #expect(some.leftOut.count == 5 && some.leftOut[0] == #"key "enc" is not for signatures: its use is not sig"#)
        #expect(some.leftOut[2] == #"key "wrap" is not for checking signatures: its key_ops lack verify"#)
        for text in ["", "[]", #"{"keys":{}}"#, #"{"keys":[1]}"#] {
            await #expect(throws: TokenKeyError.notAKeySet) { try await KeySet.read(ByteBuffer(string: text)) }
        }
        let many = #"{"keys":[\#(Array(repeating: "{}", count: 65).joined(separator: ","))]}"#
        await #expect(throws: TokenKeyError.tooBig) { try await KeySet.read(ByteBuffer(string: many)) }
    }

    @Test("a key that is new at the provider is learned from its first token, and others don't wait")
    func rotation() async throws {
        let (old, new) = try await (Entry.ecdsa("old"), Entry.ecdsa("new"))
        try await KeySetServer.run { server in
            server.answer(set(old.json))
            let time = Time()
            let test = try await VerifierUnderTest(clock: time.clock) { $0.keySet = KeySetLocation(server.url) }
            let (first, second) = try await (
                old.pair.sign(#"{"sub":"1"}"#, kid: "old"), new.pair.sign(#"{"sub":"2"}"#, kid: "new")
            )
            #expect(await refusal(test, first) == nil)
            server.answer(set(old.json, new.json))
            #expect(await refusal(test, second) == .keyPending, "asked again too soon: it may come back")
            time.pass(10)
            #expect(await refusal(test, second) == nil)
            #expect(await refusal(test, first) == nil)
            #expect(server.requests == 2)
            #expect(test.metrics.counters.value(.keySetKeys) == 2)
        }
    }

    @Test("a flood of unknown key ids asks the provider once an interval")
    func flood() async throws {
        let entry = try await Entry.ecdsa("e")
        try await KeySetServer.run { server in
            server.answer(set(entry.json))
            let time = Time()
            let test = try await VerifierUnderTest(clock: time.clock) { $0.keySet = KeySetLocation(server.url) }
            for round in 1...3 {
                await withTaskGroup(of: Void.self) { group in
                    for number in 0..<50 {
                        let token = try? await entry.pair.sign("{}", kid: "\(round)-\(number)")
                        group.addTask {
                            // The one that asked knows that there is no such key; the others may come back.
                            let refusal = await refusal(test, token ?? "")
                            #expect(refusal == .unknownKey || refusal == .keyPending)
                        }
                    }
                }
                #expect(server.requests == round)
                time.pass(10)
            }
        }
    }

    @Test("strangers with key ids of their own never keep a new key of the provider out for good")
    func floodAndRotation() async throws {
        let (old, new) = try await (Entry.ecdsa("old"), Entry.ecdsa("new"))
        try await KeySetServer.run { server in
            server.answer(set(old.json))
            let time = Time()
            let test = try await VerifierUnderTest(clock: time.clock) { $0.keySet = KeySetLocation(server.url) }
            func junk() async throws -> TokenRefusal? {
                await refusal(test, try await old.pair.sign("{}", kid: "junk-\(UInt64.random(in: 0 ... .max))"))
            }
            #expect(try await junk() == .unknownKey)
            server.answer(set(old.json, new.json))
            let token = try await new.pair.sign(#"{"sub":"2"}"#, kid: "new")
            for _ in 0..<20 {
                #expect(try await junk() == .keyPending)
                #expect(await refusal(test, token) == .keyPending, "never an answer for good")
            }
            #expect(server.requests == 1)
            // A stranger's token opens the next window, and brings the new key with it.
            time.pass(10)
            #expect(try await junk() == .unknownKey)
            #expect(await refusal(test, token) == nil)
            #expect(server.requests == 2)
        }
    }

    @Test("a token without a key's name whose key is new may come back, one that no key made may not")
    func unnamed() async throws {
        let (old, new) = try await (Entry.ecdsa("old"), Entry.ecdsa("new"))
        try await KeySetServer.run { server in
            server.answer(set(old.json))
            let time = Time()
            let test = try await VerifierUnderTest(clock: time.clock) { $0.keySet = KeySetLocation(server.url) }
            let token = try await new.pair.sign(#"{"sub":"2"}"#)
            #expect(await refusal(test, token) == .signature, "the set was read for it")
            server.answer(set(new.json))
            #expect(await refusal(test, token) == .keyPending)
            #expect(await refusal(test, try await new.pair.sign("{}", kid: "old")) == .signature, "of a key by name")
            time.pass(10)
            #expect(await refusal(test, token) == nil)
        }
    }

    @Test("who had to come back finds the new key: the set is read again by itself as soon as it may be")
    func readSoon() async throws {
        let (old, new) = try await (Entry.ecdsa("old"), Entry.ecdsa("new"))
        try await KeySetServer.run { server in
            server.answer(set(old.json))
            let test = try await VerifierUnderTest(clock: .system) {
                $0.keySet = KeySetLocation(server.url)
                $0.keySetInterval = .milliseconds(300)
            }
            let first = try await old.pair.sign(#"{"sub":"1","exp":\#(Int64.max)}"#, kid: "old")
            #expect(await refusal(test, first) == nil)
            server.answer(set(old.json, new.json))
            let token = try await new.pair.sign(#"{"sub":"2"}"#, kid: "new")
            _ = test.verifier.connection(token, after: .stale)
            try await eventually("the new key is known") { server.requests == 2 && test.claims(token) != nil }
        }
    }

    @Test("a token that comes back after a read without its key is refused for good, another of the same key is not")
    func comesBack() async throws {
        let (old, new) = try await (Entry.ecdsa("old"), Entry.ecdsa("new"))
        try await KeySetServer.run { server in
            server.answer(set(old.json))
            let time = Time()
            let test = try await VerifierUnderTest(clock: time.clock) { $0.keySet = KeySetLocation(server.url) }
            await test.keys.refresh()
            time.pass(1)
            let (first, second) = try await (
                new.pair.sign(#"{"sub":"1"}"#, kid: "new"), new.pair.sign(#"{"sub":"2"}"#, kid: "new")
            )
            #expect(await refusal(test, first) == .keyPending)
            #expect(await refusal(test, first) == .keyPending)
            time.pass(9)
            await test.keys.refresh()
            #expect(await refusal(test, first) == .unknownKey, "it was not in the set that was read since")
            #expect(await refusal(test, second) == .keyPending, "its key may be new since that read")
        }
    }

    @Test("a key's name is compared byte for byte")
    func keyNames() async throws {
        let entry = try await Entry.ecdsa("K")
        try await KeySetServer.run { server in
            server.answer(set(entry.json))
            let test = try await VerifierUnderTest(clock: Time().clock) { $0.keySet = KeySetLocation(server.url) }
            #expect(await refusal(test, try await entry.pair.sign("{}", kid: "K")) == nil)
            let other = await refusal(test, try await entry.pair.sign("{}", kid: "\u{212A}"))
            #expect(other == .keyPending)
        }
    }

    @Test("while the provider is away, its keys stay; without any the client is told to come back")
    func outage() async throws {
        let entry = try await Entry.ecdsa("e")
        let token = try await entry.pair.sign("{}", kid: "e")
        try await KeySetServer.run { server in
            let time = Time()
            let test = try await VerifierUnderTest(clock: time.clock) { $0.keySet = KeySetLocation(server.url) }
            server.answer("gone", status: "500 Internal Server Error")
            #expect(await refusal(test, token) == .keysUnavailable)
            #expect(test.keys.problem != nil && test.keys.problem?.contains("hunter2") == false)
            time.pass(10)
            server.answer(set(entry.json))
            #expect(await refusal(test, token) == nil)
            #expect(test.keys.problem == nil)
            time.pass(10)
            server.answer("gone", status: "500 Internal Server Error")
            await test.keys.refresh()
            #expect(await refusal(test, token) == nil)
            #expect(test.metrics.counters.value(.keySetFailures) == 2)
        }
    }

    @Test("an answer that is too big, a redirect and silence end as errors, in time")
    func badProviders() async throws {
        try await KeySetServer.run { server in
            server.answer(String(repeating: " ", count: KeySetLoader.maximumBytes + 1))
            await #expect(throws: TokenKeyError.tooBig) { try await KeySetLoader.load(.url(server.url)) }
            server.answer("", status: "302 Found", fields: "Location: \(server.url)\r\n")
            await #expect(throws: TokenKeyError.unreachable("the answer has status 302")) {
                try await KeySetLoader.load(.url(server.url))
            }
            server.fallSilent()
            let start = ContinuousClock.now
            await #expect(throws: TokenKeyError.self) { try await KeySetLoader.load(.url(server.url)) }
            #expect(ContinuousClock.now - start < .seconds(30))
        }
        for location in ["http://127.0.0.1:1/", "https://", "/no/such/file", "/"] {
            await #expect(throws: TokenKeyError.self, "\(location)") {
                try await KeySetLoader.load(KeySetLocation(location))
            }
        }
    }

    @Test("a location is shown without what may be secret")
    func description() {
        let location = KeySetLocation("https://user:hunter2@login.example.com/keys?token=hunter2#hunter2")
        #expect("\(location)" == "https://login.example.com/keys")
    }
}
