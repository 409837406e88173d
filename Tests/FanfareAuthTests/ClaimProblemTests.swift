import FanfareCore
import FanfareWire
import NIOCore
import Testing

@testable import FanfareAuth

@Suite("Tokens: claims that can't be read, and times of all sizes")
struct ClaimProblemTests {
    private static let deep = String(repeating: "[", count: 65) + String(repeating: "]", count: 65)

    @Test(
        "the problem names the claim and says why, and quotes nothing of it",
        arguments: [
            (#"{"sub":42}"#, "the claim 'sub' is not a text"),
            (#"{"exp":"hunter2"}"#, "the claim 'exp' is not a number of seconds since 1970"),
            (#"{"nbf":true}"#, "the claim 'nbf' is not a number of seconds since 1970"),
            (#"{"iat":[1]}"#, "the claim 'iat' is not a number of seconds since 1970"),
            (#"{"expire_at":null}"#, "the claim 'expire_at' is not a number of seconds since 1970"),
            (#"{"channels":"hunter2"}"#, "the claim 'channels' is not a list of at most 256 texts"),
            (#"{"channels":["a",1]}"#, "the claim 'channels' lists something that is not a text"),
            (#"{"channels":["a","a"]}"#, "the claim 'channels' lists a channel twice"),
            (#"{"subs":["a"]}"#, "the claim 'subs' is not an object with at most 256 channels, each once"),
            (#"{"subs":{"a":1}}"#, "the claim 'subs' has options of a channel that are not an object"),
            (#"{"caps":{}}"#, "the claim 'caps' is not a list of at most 256 entries"),
            (#"{"caps":[{"channels":["a"]}]}"#, "the claim 'caps' has an entry without 'channels' or 'allow'"),
            (
                #"{"caps":[{"channels":["a"],"allow":["hunter2"]}]}"#,
                "the claim 'caps.allow' has a word that is none of sub, pub, prs, hst"
            ),
            (
                #"{"caps":[{"channels":["a"],"allow":[],"match":"hunter2"}]}"#,
                "the claim 'caps' has a 'match' that is neither 'wildcard' nor 'exact'"
            ),
            (#"{"b64info":"hunter2!"}"#, "the claim 'b64info' is not Base64"),
            (#"{"info":\#(deep)}"#, "the claim 'info' is nested deeper than 64 arrays and objects"),
            (#"{"channel":"a","client":1}"#, "the claim 'client' is not a text"),
            (#"{"channel":"a","allow":"sub"}"#, "the claim 'allow' is not a list of at most 256 texts"),
        ])
    func problems(payload: String, problem: String) async throws {
        let test = try await VerifierUnderTest()
        let token = try await TestKeys.hmac(payload)
        #expect(test.verifier.claimProblem(of: token) == problem)
        let refusals = [test.refusal(token), subscriptionRefusal(test, token)]
        #expect(refusals.contains(.claims), "\(refusals)")
        let forged = try await TestKeys.hmac(payload, secret: "another secret of more than thirty-two bytes")
        #expect(test.verifier.claimProblem(of: forged) == nil, "nobody is told about a token that is not ours")
    }

    private func subscriptionRefusal(_ test: VerifierUnderTest, _ token: String) -> TokenRefusal? {
        if case .refused(let refusal) = test.verifier.subscription(token) { refusal } else { nil }
    }

    @Test(
        "a time is any JSON number: far ones mean never, negative ones long ago",
        arguments: [
            ("exp", "253402300800", nil), ("exp", "9223372036854775807", nil), ("exp", "1e300", nil),
            ("exp", "1e999", nil), ("exp", "-1", .expired), ("exp", "-1e300", .expired), ("exp", "0", .expired),
            ("expire_at", "253402300800", nil), ("expire_at", "-5", .expired), ("expire_at", "1000", .expired),
            ("expire_at", "0", nil), ("expire_at", "1e20", nil), ("nbf", "253402300800", .notYetValid),
            ("nbf", "1e999", .notYetValid), ("nbf", "-1", nil), ("nbf", "-1e999", nil), ("iat", "1e999", nil),
            ("iat", "-7.5", nil), ("exp", "1800000000.9", .expired), ("exp", "1800000001.5", nil),
        ] as [(String, String, TokenRefusal?)])
    func times(claim: String, number: String, refusal: TokenRefusal?) async throws {
        for leeway in [Duration.zero, .seconds(300)] where refusal == nil || leeway == .zero {
            let test = try await VerifierUnderTest {
                $0.secrets = [Secret(TestKeys.secret)]
                $0.leeway = leeway
            }
            let token = try await TestKeys.hmac("{\"\(claim)\":\(number)}")
            #expect(test.refusal(token) == refusal)
            #expect((test.claims(token) != nil) == (refusal == nil))
        }
    }

    @Test("audience and issuer are compared byte for byte")
    func audience() async throws {
        let test = try await VerifierUnderTest {
            $0.secrets = [Secret(TestKeys.secret)]
            ($0.audience, $0.issuer) = ("K", "\u{E9}")
        }
        for (payload, refusal) in [
            ("{\"aud\":\"K\",\"iss\":\"\u{E9}\"}", nil), ("{\"aud\":\"\u{212A}\",\"iss\":\"\u{E9}\"}", .audience),
            ("{\"aud\":[\"\u{212A}\",\"k\"],\"iss\":\"\u{E9}\"}", .audience),
            ("{\"aud\":[\"x\",\"K\"],\"iss\":\"e\u{301}\"}", .issuer),
        ] as [(String, TokenRefusal?)] {
            #expect(test.refusal(try await TestKeys.hmac(payload)) == refusal, "\(payload)")
        }
    }

    @Test("claims, channels and words that only look the same are not the same")
    func looks() async throws {
        let test = try await VerifierUnderTest()
        let two = try await TestKeys.hmac("{\"channels\":[\"K\",\"\u{212A}\"],\"\u{E9}\":1,\"e\u{301}\":2}")
        #expect(test.claims(two)?.subscriptions.map(\.channel) == ["K", "\u{212A}"])
        let subs = try await TestKeys.hmac("{\"subs\":{\"K\":{\"info\":1},\"\u{212A}\":{\"info\":2}}}")
        let found = test.claims(subs)?.subscriptions ?? []
        #expect(found.map(\.info) == [ByteBuffer(string: "1"), ByteBuffer(string: "2")])
    }

    @Test("a token says whether it lists channels, be it none")
    func lists() async throws {
        let test = try await VerifierUnderTest()
        for (payload, lists) in [
            ("{}", false), (#"{"channels":null}"#, false), (#"{"channels":[]}"#, true), (#"{"subs":{}}"#, true),
            (#"{"channels":["a"]}"#, true),
        ] {
            #expect(test.claims(try await TestKeys.hmac(payload))?.listsSubscriptions == lists, "\(payload)")
        }
    }
}
