import NIOCore
import NIOSSL

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A certificate with its key, read and tried: who the node says it is.
struct TLSIdentity: Sendable {
    /// What new connections begin with.
    let context: NIOSSLContext
    /// Names in the certificate, as a log has them.
    let names: String
    /// The certificate's number, in hexadecimal digits.
    let serial: String
    /// Seconds since 1970.
    let notBefore: Int
    let notAfter: Int

    /// - Parameters:
    ///   - closeTimeout: for a client to answer the end of TLS, before its socket is closed.
    ///   - http2: whether a client may choose it.
    /// - Throws: which file is to blame and why.
    init(_ files: TLSFiles, closeTimeout: Duration, http2: Bool = false) throws(TLSProblem) {
        let chain = try Self.chain(files.certificate)
        let key = try Self.key(files.key)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        // RFC 8996. The ciphers are NIOSSL's: forward secret and authenticated, no others.
        configuration.minimumTLSVersion = .tlsv12
        // Who offers both gets HTTP/2; browsers offer only HTTP/1.1 for a WebSocket.
        configuration.applicationProtocols = (http2 ? [HTTP2Pipeline.token] : []) + ["http/1.1"]
        configuration.shutdownTimeout = TimeAmount(closeTimeout)
        do {
            context = try NIOSSLContext(configuration: configuration)
        } catch NIOSSLError.failedToLoadPrivateKey {
            throw TLSProblem(
                setting: "tls-key", path: files.key,
                reason: "is not the key of the certificate in '\(files.certificate)'")
        } catch {
            throw TLSProblem(setting: "tls-certificate", path: files.certificate, reason: "can't be used: \(error)")
        }
        names = (try? chain[0].toDERBytes()).flatMap(CertificateNames.text) ?? "not readable"
        serial = chain[0].serialNumber.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        notBefore = Int(chain[0].notValidBefore)
        notAfter = Int(chain[0].notValidAfter)
    }

    private static func chain(_ path: String) throws(TLSProblem) -> [NIOSSLCertificate] {
        func problem(_ reason: String) -> TLSProblem {
            TLSProblem(setting: "tls-certificate", path: path, reason: reason)
        }
        do {
            let chain = try NIOSSLCertificate.fromPEMBytes(ConfigurationFile.bytes(of: path))
            guard !chain.isEmpty else { throw problem("holds no certificate in PEM") }
            return chain
        } catch let failure as ConfigurationFile.Failure {
            throw problem("\(failure)")
        } catch {
            throw problem("holds no certificate in PEM")
        }
    }

    private static func key(_ path: String) throws(TLSProblem) -> NIOSSLPrivateKey {
        func problem(_ reason: String) -> TLSProblem { TLSProblem(setting: "tls-key", path: path, reason: reason) }
        let bytes: [UInt8]
        do {
            bytes = try ConfigurationFile.bytes(of: path)
        } catch {
            throw problem("\(error)")
        }
        do {
            return try NIOSSLPrivateKey(bytes: bytes, format: .pem)
        } catch {
            // In the PEM header of both kinds of encrypted keys.
            let isEncrypted = String(decoding: bytes, as: UTF8.self).contains("ENCRYPTED")
            throw problem(
                isEncrypted
                    ? "holds a key with a passphrase, which nobody can give to a node; take it off (openssl pkey)"
                    : "holds no private key in PEM")
        }
    }

    /// What is odd about the certificate's dates at a time in seconds since 1970; `nil`: nothing.
    func oddity(at now: Int) -> String? {
        if notAfter <= now { return "has expired on \(Self.date(notAfter)): clients refuse it" }
        if notBefore > now { return "begins to be valid on \(Self.date(notBefore)) only: clients refuse it" }
        return nil
    }

    /// When it expires, for people.
    var expiry: String { Self.date(notAfter) }

    private static func date(_ seconds: Int) -> String {
        Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601)
    }
}
