import NIOCore
import SwiftASN1
import X509

/// What a certificate is for, for people.
enum CertificateNames {
    /// Its names as clients compare them (RFC 9110 §4.3.4), or its subject where it has none: then no client takes it.
    ///
    /// - Parameter der: a certificate that TLS takes.
    /// - Returns: `nil` for one that is read here with more care, and against the standard. TLS is not refused for that.
    static func text(_ der: [UInt8]) -> String? {
        guard let certificate = try? Certificate(derEncoded: der),
            let names = try? certificate.extensions.subjectAlternativeNames ?? SubjectAlternativeNames()
        else { return nil }
        return names.isEmpty ? "\(certificate.subject)" : names.map(text).joined(separator: ", ")
    }

    private static func text(_ name: GeneralName) -> String {
        switch name {
        case .dnsName(let name): name
        case .ipAddress(let address): ipAddress(address.bytes) ?? "\(name)"
        default: "\(name)"
        }
    }

    private static func ipAddress(_ bytes: some Sequence<UInt8>) -> String? {
        (try? SocketAddress(packedIPAddress: ByteBuffer(bytes: bytes), port: 0))?.ipAddress
    }
}
