import FanfareCore
import NIOCore
import Testing

@testable import FanfareAuth

@Suite("Tokens: hostile ones")
struct HostileTokenTests {
    /// A token with this header and payload and a true signature of the node's own secret: only what is said is wrong.
    static func signed(_ header: String, _ payload: String = #"{"sub":"42"}"#) -> String {
        let text = Base64URL.encode(header.utf8) + "." + Base64URL.encode(payload.utf8)
        return text + "." + ReferenceHMAC.signature(text, secret: TestKeys.secret, .hs256)
    }

    static let good = #"{"alg":"HS256"}"#
    static let part = Base64URL.encode(#"{"sub":"42"}"#.utf8)
    static let head = Base64URL.encode(good.utf8)

    static let table: [(String, String, TokenRefusal)] = [
        ("nothing", "", .malformed),
        ("one part", "abc", .malformed),
        ("two parts", "\(head).\(part)", .malformed),
        ("no signature", "\(head).\(part).", .signature),
        ("five parts, as of an encrypted token", "\(head).\(part).a.b.c", .malformed),
        ("a blank before it", " " + signed(good), .malformed),
        ("a line break behind it", signed(good) + "\n", .malformed),
        ("padding", signed(good) + "=", .malformed),
        ("the other alphabet", "\(head).\(part).++//", .malformed),
        ("bits behind the last byte", "\(head).\(part).AB", .malformed),
        ("a header that is no JSON", signed("alg"), .malformed),
        ("a header that is no object", signed(#"["HS256"]"#), .malformed),
        ("a header that is not UTF-8", "\(Base64URL.encode([0x7B, 0xFF, 0x7D])).\(part).AAAA", .malformed),
        ("no algorithm", signed("{}"), .malformed),
        ("an algorithm that is no text", signed(#"{"alg":256}"#), .malformed),
        ("two algorithms", signed(#"{"alg":"HS256","alg":"none"}"#), .malformed),
        ("none", "\(Base64URL.encode(#"{"alg":"none"}"#.utf8)).\(part).", .algorithm),
        ("NONE", "\(Base64URL.encode(#"{"alg":"NONE"}"#.utf8)).\(part).", .algorithm),
        ("none with a true signature", signed(#"{"alg":"none"}"#), .algorithm),
        ("an empty algorithm", signed(#"{"alg":""}"#), .algorithm),
        ("small letters", signed(#"{"alg":"hs256"}"#), .algorithm),
        ("one that is not allowed here", signed(#"{"alg":"HS512"}"#), .algorithm),
        ("one that nobody knows", signed(#"{"alg":"XS256"}"#), .algorithm),
        ("a known one without a key", signed(#"{"alg":"RS256"}"#), .unknownKey),
        ("an extension that must be understood", signed(#"{"alg":"HS256","crit":["b64"],"b64":false}"#), .malformed),
        ("a key id that is no text", signed(#"{"alg":"HS256","kid":1}"#), .malformed),
        ("a payload that is no object", signed(good, "42"), .malformed),
        ("a payload with something behind it", signed(good, #"{"sub":"42"} {}"#), .malformed),
        ("a claim twice", signed(good, #"{"sub":"42","sub":"1"}"#), .malformed),
        ("a claim twice, once escaped", signed(good, #"{"sub":"42","s\u0075b":"1"}"#), .malformed),
        ("a user that is no text", signed(good, #"{"sub":42}"#), .claims),
        ("no user but null", signed(good, #"{"sub":null}"#), .claims),
        ("an expiry that is a text", signed(good, #"{"exp":"1900000000"}"#), .claims),
        ("an expiry that is null", signed(good, #"{"exp":null}"#), .claims),
        ("an expiry before all times", signed(good, #"{"exp":-1}"#), .expired),
        ("an expiry in hexadecimal", signed(good, #"{"exp":"0x7fffffff"}"#), .claims),
        ("a start that is a list", signed(good, #"{"nbf":[1]}"#), .claims),
        ("channels that are no list", signed(good, #"{"channels":"a"}"#), .claims),
        ("channels that are no texts", signed(good, #"{"channels":[1]}"#), .claims),
        ("a channel twice", signed(good, #"{"channels":["a","a"]}"#), .claims),
        ("subscriptions that are a list", signed(good, #"{"subs":["a"]}"#), .claims),
        ("info that is no Base64", signed(good, #"{"b64info":"*"}"#), .claims),
        ("info that is no JSON", signed(good, #"{"b64info":"AAAA"}"#), .claims),
        ("capabilities that are an object", signed(good, #"{"caps":{}}"#), .claims),
        ("a capability without channels", signed(good, #"{"caps":[{"allow":["pub"]}]}"#), .claims),
        ("a capability that nobody knows", signed(good, #"{"caps":[{"channels":["a"],"allow":["all"]}]}"#), .claims),
        (
            "a match that nobody knows",
            signed(good, #"{"caps":[{"channels":["a"],"match":"regex","allow":["pub"]}]}"#), .claims
        ),
        ("a null capability list", signed(good, #"{"caps":null}"#), .claims),
    ]

    @Test("each is refused with its own reason, and counted", arguments: table)
    func refused(what: String, token: String, reason: TokenRefusal) async throws {
        let test = try await VerifierUnderTest()
        #expect(test.refusal(token) == reason, "\(what)")
        #expect(test.metrics.refusals.value(reason) == 1)
        #expect(test.metrics.counters.value(.accepted) == 0)
    }

    @Test("the table's way to sign makes good tokens")
    func control() async throws {
        let test = try await VerifierUnderTest()
        #expect(test.claims(Self.signed(Self.good))?.user == "42")
    }

    @Test("a token above the limit is refused by its length alone")
    func tooLong() async throws {
        var limits = Limits()
        limits.maxTokenBytes = 256
        let test = try await VerifierUnderTest(limits: limits)
        let token = Self.signed(Self.good, #"{"sub":"\#(String(repeating: "x", count: 200))"}"#)
        #expect(test.refusal(token) == .tooLong)
        #expect(test.refusal(String(repeating: ".", count: 1_000_000)) == .tooLong)
        let short = Self.signed(Self.good)
        #expect(test.claims(short) != nil)
    }

    @Test("no change of one character leaves a token valid")
    func everyCharacter() async throws {
        let test = try await VerifierUnderTest()
        let token = Array(Self.signed(Self.good).utf8)
        for index in token.indices {
            for replacement in [UInt8(ascii: "A"), UInt8(ascii: "b"), UInt8(ascii: "."), UInt8(ascii: "-")]
            where replacement != token[index] {
                var changed = token
                changed[index] = replacement
                #expect(test.claims(String(decoding: changed, as: UTF8.self)) == nil, "at \(index)")
            }
        }
    }
}
