import FanfareCore
import NIOCore
import Testing

@testable import FanfareAuth

@Suite("Tokens: what is believed")
struct TokenVerifierTests {
    @Test(
        "a token of HMAC is believed with each hash that is allowed", arguments: [TokenAlgorithm.hs256, .hs384, .hs512])
    func hmac(algorithm: TokenAlgorithm) async throws {
        let test = try await VerifierUnderTest {
            $0.secrets = [Secret(TestKeys.secret)]
            $0.algorithms = [algorithm]
        }
        let token = try await TestKeys.hmac(#"{"sub":"42"}"#, algorithm)
        #expect(test.claims(token)?.user == "42")
        #expect(test.metrics.counters.value(.accepted) == 1)
        for other in [TokenAlgorithm.hs256, .hs384, .hs512] where other != algorithm {
            let stranger = try await TestKeys.hmac(#"{"sub":"42"}"#, other)
            #expect(test.refusal(stranger) == .algorithm)
        }
    }

    @Test("while a secret is replaced, the old and the new one count")
    func rotation() async throws {
        let (old, new) = (TestKeys.secret, "another secret of more than thirty-two bytes")
        let test = try await VerifierUnderTest { $0.secrets = [Secret(new), Secret(old)] }
        for secret in [old, new] {
            let token = try await TestKeys.hmac(#"{"sub":"42"}"#, secret: secret)
            #expect(test.claims(token)?.user == "42")
        }
        let stranger = try await TestKeys.hmac(#"{"sub":"42"}"#, secret: "a third secret of more than thirty-two bytes")
        #expect(test.refusal(stranger) == .signature)
    }

    @Test("a short secret makes the signature that everyone else makes of it")
    func shortSecret() async throws {
        // From RFC-conforming tools: echo -n 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9' | openssl dgst -sha256 -hmac short
        let token = try await TestKeys.hmac(#"{"sub":"42"}"#, secret: "short")
        let test = try await VerifierUnderTest { $0.secrets = [Secret("short")] }
        #expect(test.claims(token)?.user == "42")
        let known = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.kJJRGXF3hk6uLGqy6h7K_cADvBF-hY-Jx533AZ49TMw"
        #expect(test.claims(known)?.user == "42")
    }

    @Test("tokens of RSA, ECDSA and Ed25519 are believed with their public key, all from one file")
    func publicKeys() async throws {
        let pairs = try await [TestKeys.rsa(), TestKeys.ecdsa(), TestKeys.eddsa()]
        try await TestKeys.withFolder { folder in
            let path = folder + "/public.pem"
            try pairs.map(\.publicPEM).joined(separator: "# the next one\n")
                .write(toFile: path, atomically: true, encoding: .utf8)
            let test = try await VerifierUnderTest { $0.publicKeyFile = path }
            for pair in pairs {
                let token = try await pair.sign(#"{"sub":"42"}"#)
                #expect(test.claims(token)?.user == "42")
                let bent = token.dropLast(8) + "AAAAAAAA"
                #expect(test.refusal(String(bent)) == .signature)
            }
            for stranger in try await [TestKeys.rsa(), TestKeys.ecdsa(), TestKeys.eddsa()] {
                let token = try await stranger.sign(#"{"sub":"42"}"#)
                #expect(test.refusal(token) == .signature)
            }
        }
    }

    @Test("a public key is no secret: HMAC made with it is refused")
    func confusedKeys() async throws {
        let pair = try await TestKeys.rsa()
        try await TestKeys.withFolder { folder in
            let path = folder + "/public.pem"
            try pair.publicPEM.write(toFile: path, atomically: true, encoding: .utf8)
            // Both kinds allowed, and only the public key there.
            let test = try await VerifierUnderTest {
                $0.publicKeyFile = path
                $0.algorithms = TokenAlgorithm.allCases
            }
            for secret in [pair.publicPEM, String(pair.publicPEM.dropLast())] {
                for algorithm in TokenAlgorithm.allCases where algorithm.isSymmetric {
                    let token = try forged(secret, algorithm)
                    #expect(test.refusal(token) == .unknownKey)
                }
            }
            // A signature of another kind of key under the name of this one.
            let other = try await TestKeys.ecdsa()
            let renamed = try await TokenSigner.sign(
                header: ByteBuffer(string: #"{"alg":"RS256"}"#), claims: ByteBuffer(string: #"{"sub":"42"}"#),
                with: .privateKey(pem: other.privatePEM))
            #expect(test.refusal(renamed) == .signature)
        }
        await #expect(throws: TokenKeyError.secretIsPEM) {
            try await VerifierUnderTest { $0.secrets = [Secret(pair.publicPEM)] }
        }
    }

    /// HMAC over a token with a secret that `TokenKey` would not take.
    private func forged(_ secret: String, _ algorithm: TokenAlgorithm) throws -> String {
        let signed = [#"{"alg":"\#(algorithm.rawValue)"}"#, #"{"sub":"42"}"#]
            .map { Base64URL.encode($0.utf8) }.joined(separator: ".")
        return signed + "." + ReferenceHMAC.signature(signed, secret: secret, algorithm)
    }

    @Test("expiry, start and clock differences are held to the second")
    func times() async throws {
        let now = TestKeys.now
        let cases: [(String, Duration, TokenRefusal?)] = [
            (#"{"exp":\#(now)}"#, .zero, .expired), (#"{"exp":\#(now + 1)}"#, .zero, nil),
            (#"{"exp":\#(now - 4)}"#, .seconds(5), nil), (#"{"exp":\#(now - 5)}"#, .seconds(5), .expired),
            (#"{"exp":0}"#, .seconds(60), .expired), (#"{"exp":\#(now).9}"#, .zero, .expired),
            (#"{"exp":1.8e9}"#, .zero, .expired), (#"{"exp":1.9e9}"#, .zero, nil),
            (#"{"nbf":\#(now)}"#, .zero, nil), (#"{"nbf":\#(now + 1)}"#, .zero, .notYetValid),
            (#"{"nbf":\#(now + 5)}"#, .seconds(5), nil), (#"{"nbf":\#(now + 6)}"#, .seconds(5), .notYetValid),
            (#"{"iat":\#(now + 9999)}"#, .zero, nil),
        ]
        for (claims, leeway, refusal) in cases {
            let test = try await VerifierUnderTest {
                $0.secrets = [Secret(TestKeys.secret)]
                $0.leeway = leeway
            }
            let token = try await TestKeys.hmac(claims)
            #expect(test.refusal(token) == refusal, "\(claims)")
        }
    }

    @Test("audience and issuer are exact where the configuration names them")
    func audienceAndIssuer() async throws {
        let test = try await VerifierUnderTest {
            $0.secrets = [Secret(TestKeys.secret)]
            $0.audience = "fanfare"
            $0.issuer = "https://login.example.com"
        }
        let issuer = #""iss":"https://login.example.com""#
        let cases: [(String, TokenRefusal?)] = [
            (#"{"aud":"fanfare",\#(issuer)}"#, nil), (#"{"aud":["other","fanfare"],\#(issuer)}"#, nil),
            (#"{"aud":"other",\#(issuer)}"#, .audience), (#"{"aud":[],\#(issuer)}"#, .audience),
            (#"{\#(issuer)}"#, .audience), (#"{"aud":"fanfare ",\#(issuer)}"#, .audience),
            (#"{"aud":7,\#(issuer)}"#, .claims), (#"{"aud":"fanfare"}"#, .issuer),
            (#"{"aud":"fanfare","iss":"https://login.example.com/"}"#, .issuer),
            (#"{"aud":"fanfare","iss":["https://login.example.com"]}"#, .claims),
        ]
        for (claims, refusal) in cases {
            let token = try await TestKeys.hmac(claims)
            #expect(test.refusal(token) == refusal, "\(claims)")
        }
    }

    @Test("a subscription token opens no connection, and the other way round")
    func purposes() async throws {
        let test = try await VerifierUnderTest()
        let connection = try await TestKeys.hmac(#"{"sub":"42"}"#)
        let subscription = try await TestKeys.hmac(#"{"sub":"42","channel":"$a","client":"c","allow":["pub"]}"#)
        #expect(test.refusal(subscription) == .purpose)
        guard case .refused(.purpose) = test.verifier.subscription(connection) else {
            Issue.record("a connection token subscribed")
            return
        }
        guard case .valid(let claims) = test.verifier.subscription(subscription) else {
            Issue.record("refused")
            return
        }
        #expect(claims.user == "42" && claims.channel == "$a" && claims.client == "c" && claims.allow == .publish)
    }
}
