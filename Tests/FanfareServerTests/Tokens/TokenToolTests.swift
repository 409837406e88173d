import FanfareAuth
import NIOCore
import Testing

@testable import FanfareServer

@Suite("fanfare token")
struct TokenToolTests {
    private func request(
        user: String? = "42", expiresIn: String = "1h", forChannel: String? = nil, channels: [String] = [],
        info: String? = nil, claims: String? = nil, algorithm: String = "HS256"
    ) -> TokenRequest {
        TokenRequest(
            user: user, expiresIn: expiresIn, forChannel: forChannel, channels: channels, info: info, claims: claims,
            privateKeyFile: nil, algorithm: algorithm, keyID: nil)
    }

    private var configuration: NodeConfiguration {
        var configuration = NodeConfiguration()
        configuration.tokens.secrets = [Secret("0123456789abcdef0123456789abcdef")]
        return configuration
    }

    @Test("what create makes, check believes and explains")
    func roundTrip() async throws {
        let token = try await request(
            channels: ["a", "b"], info: #"{"name":"Zoë"}"#,
            claims: #"{"caps":[{"channels":["a"],"allow":["sub","pub"]}]}"#
        ).make(configuration)
        let report = try await TokenReport(token, configuration)
        #expect(report.isValid)
        for line in ["user: 42", #"info: {"name":"Zoë"}"#, "channels: a, b", "may sub, pub in a"] {
            #expect(report.text.contains(line), "\(report.text)")
        }
        #expect(!report.text.contains(token))
        let subscription = try await request(forChannel: "$x").make(configuration)
        let second = try await TokenReport(subscription, configuration)
        #expect(second.isValid && second.text.contains("channel: $x"))
    }

    @Test("check says why a token is not believed")
    func refused() async throws {
        let expired = try await request(claims: #"{"exp":1}"#).make(configuration)
        var other = configuration
        other.tokens.secrets = [Secret("another secret of thirty-two bytes")]
        let cases = [(expired, configuration, "expired"), ("x", configuration, "no token")]
        for (token, configuration, reason) in cases {
            let report = try await TokenReport(token, configuration)
            #expect(!report.isValid && report.text.contains(reason), "\(report.text)")
        }
        let good = try await request().make(configuration)
        let report = try await TokenReport(good, other)
        #expect(!report.isValid && report.text.contains("signature"))
        await #expect(throws: TokenToolProblem.self) { try await TokenReport(good, NodeConfiguration()) }
    }

    @Test("check names the claim that can't be read, and says why")
    func unreadable() async throws {
        for (claims, words) in [
            (#"{"exp":"soon"}"#, "refused: the claim 'exp' is not a number of seconds since 1970"),
            (#"{"channels":[1]}"#, "refused: the claim 'channels' lists something that is not a text"),
            (
                #"{"channel":"$a","allow":["read"]}"#,
                "refused: the claim 'allow' has a word that is none of sub, pub, prs, hst"
            ),
        ] {
            let report = try await TokenReport(try await request(claims: claims).make(configuration), configuration)
            #expect(!report.isValid && report.text == words, "\(report.text)")
        }
        let far = try await request(claims: #"{"exp":1700000000000}"#).make(configuration)
        let report = try await TokenReport(far, configuration)
        #expect(report.isValid && report.text.contains("after the year 9999"), "\(report.text)")
    }

    @Test("the caller's own claims win")
    func ownClaims() throws {
        let payload = try request(expiresIn: "10s", claims: #"{"exp":5,"x":[1]}"#).payload(now: 100)
        #expect(String(buffer: payload) == #"{"sub":"42","iat":100,"exp":5,"x":[1]}"#)
        let forEver = try request(user: nil, expiresIn: "0").payload(now: 100)
        #expect(String(buffer: forEver) == #"{"iat":100}"#)
    }

    @Test("what can't be made is refused with its reason")
    func bad() async throws {
        for bad in [request(expiresIn: "soon"), request(info: "{"), request(claims: "[]"), request(algorithm: "none")] {
            await #expect(throws: TokenToolProblem.self) { try await bad.make(configuration) }
        }
        await #expect(throws: TokenToolProblem.self) { try await request().make(NodeConfiguration()) }
    }
}
