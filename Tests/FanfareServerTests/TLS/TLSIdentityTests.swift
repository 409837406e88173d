import FanfareTestKit
import NIOSSL
import Testing

@testable import FanfareServer

@Suite("A certificate in words")
struct TLSIdentityTests {
    private let authority: TestAuthority

    init() throws { authority = try TestAuthority() }

    private func identity(_ certificate: String, _ key: String) throws -> TLSIdentity {
        try TLSIdentity(TLSFiles(certificate: certificate, key: key), closeTimeout: .seconds(1))
    }

    @Test("the log has the names that clients look for, the number and the end")
    func names() throws {
        let pair = try authority.issue("node", serial: "0a1b")
        let identity = try identity(pair.certificate, pair.key)
        #expect(identity.names == "localhost, 127.0.0.1, ::1" && identity.serial == "0a1b")
        #expect(identity.notAfter - identity.notBefore == 86_400 && identity.expiry.hasSuffix("Z"))
    }

    @Test("a certificate without names is known by its subject, punctuation and all")
    func subject() throws {
        try authority.openssl(
            "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 1 -keyout own.key -out own.crt",
            "-subj", "/O=a;b>c/CN=node")
        let identity = try identity(authority.folder + "/own.crt", authority.folder + "/own.key")
        #expect(identity.names.contains("CN=node") && identity.names.contains(#"O=a\;b\>c"#), "\(identity.names)")
    }

    @Test("names of other kinds are there, too, and a wildcard as it stands")
    func kinds() throws {
        let names = "subjectAltName=DNS:*.example.com,email:me@example.com,URI:https://example.com/x"
        try authority.openssl(
            "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 1 -keyout own.key -out own.crt",
            "-subj", "/CN=node", "-addext", names)
        let identity = try identity(authority.folder + "/own.crt", authority.folder + "/own.key")
        #expect(identity.names.hasPrefix("*.example.com, "), "\(identity.names)")
        #expect(identity.names.contains("me@example.com") && identity.names.contains("https://example.com/x"))
    }

    @Test(
        "bytes that are no certificate have no names",
        arguments: [[], [0x30, 0x00], [0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF]])
    func garbage(bytes: [UInt8]) {
        #expect(CertificateNames.text(bytes) == nil)
    }
}
