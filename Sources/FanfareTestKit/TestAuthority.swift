import Foundation

/// A certificate authority of a test's own, made by openssl in a folder that goes with it.
public final class TestAuthority: Sendable {
    /// Where a certificate and its key are.
    public struct Pair: Sendable {
        public let certificate: String
        public let key: String

        public init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }

        /// What a node is started with.
        public var flags: [String] { ["--tls-certificate", certificate, "--tls-key", key] }
    }

    /// Everything is in here.
    public let folder: String
    /// What clients trust.
    public var caFile: String { folder + "/ca.crt" }

    public init() throws {
        folder = NSTemporaryDirectory() + "fanfare-tls-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try openssl(
            "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 2 -keyout ca.key -out ca.crt",
            "-subj", "/CN=Fanfare test authority")
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// A certificate for localhost and its addresses, with the authority's behind it.
    ///
    /// - Parameters:
    ///   - serial: its number, in hexadecimal digits.
    ///   - days: how long it is valid; less than 0: it has expired.
    public func issue(_ name: String, serial: String = "1001", days: Int = 1) throws -> Pair {
        try "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\n".write(
            toFile: folder + "/\(name).ext", atomically: true, encoding: .utf8)
        try openssl(
            "req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout \(name).key -out \(name).csr",
            "-subj", "/CN=localhost")
        try openssl(
            "x509 -req -in \(name).csr -CA ca.crt -CAkey ca.key -set_serial 0x\(serial) -days \(days)",
            "-extfile", "\(name).ext", "-out", "\(name).crt")
        let pair = Pair(certificate: folder + "/\(name).crt", key: folder + "/\(name).key")
        let chain = try String(contentsOfFile: pair.certificate, encoding: .utf8)
        let authority = try String(contentsOfFile: caFile, encoding: .utf8)
        try (chain + authority).write(toFile: pair.certificate, atomically: true, encoding: .utf8)
        return pair
    }

    /// Runs openssl in the folder.
    ///
    /// - Parameter words: arguments with spaces between them; the rest is taken as it is.
    public func openssl(_ words: String, _ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + words.split(separator: " ").map(String.init) + arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw NotInTime(what: "openssl \(words): \(text)") }
    }
}
