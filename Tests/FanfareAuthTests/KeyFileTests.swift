import FanfareAuth
import Foundation
import Testing

@Suite("Tokens: key files")
struct KeyFileTests {
    @Test("a private key, a short or foreign one, and other files are refused with their reason")
    func refused() async throws {
        let pair = try await TestKeys.ecdsa()
        let (short, foreign) = try await (TestKeys.rsa(bits: 1_024), TestKeys.ecdsa(curve: "P-384"))
        let cases: [(String, TokenKeyError)] = [
            (pair.privatePEM, .isPrivate), (pair.publicPEM + pair.privatePEM, .isPrivate),
            (short.publicPEM, .unknownPEM), (foreign.publicPEM, .unknownPEM), ("", .noPEM), ("secret", .noPEM),
            ("-----BEGIN PUBLIC KEY-----\nhello\n-----END PUBLIC KEY-----\n", .unknownPEM),
        ]
        for (text, error) in cases {
            await #expect(throws: error, "\(error)") { try await TokenKey.publicKeys(pem: text) }
        }
    }

    @Test("Windows' line ends and text around the blocks do no harm")
    func lines() async throws {
        let pair = try await TestKeys.eddsa()
        let text = "my key:\r\n" + pair.publicPEM.replacing("\n", with: "\r\n") + "the end"
        let keys = try await TokenKey.publicKeys(pem: text)
        #expect(keys.count == 1)
    }
}
