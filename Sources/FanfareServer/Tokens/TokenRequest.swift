import FanfareAuth
import FanfareWire
import Foundation
import NIOCore

/// Why a tool for tokens can't do what it is asked.
public struct TokenToolProblem: Error, CustomStringConvertible {
    public let description: String
}

/// What `fanfare token create` is asked for.
public struct TokenRequest: Sendable {
    var user: String?
    var expiresIn: String
    var forChannel: String?
    var channels: [String]
    var info: String?
    var claims: String?
    var privateKeyFile: String?
    var algorithm: String
    var keyID: String?

    public init(
        user: String?, expiresIn: String, forChannel: String?, channels: [String], info: String?, claims: String?,
        privateKeyFile: String?, algorithm: String, keyID: String?
    ) {
        self.user = user
        self.expiresIn = expiresIn
        self.forChannel = forChannel
        self.channels = channels
        self.info = info
        self.claims = claims
        self.privateKeyFile = privateKeyFile
        self.algorithm = algorithm
        self.keyID = keyID
    }

    /// The token.
    ///
    /// - Throws: ``TokenToolProblem``.
    public func make(_ configuration: NodeConfiguration) async throws -> String {
        let key = try await key(configuration.tokens)
        let claims = try payload(now: Int64(Date().timeIntervalSince1970))
        do {
            return try TokenSigner.sign(claims: claims, with: key, keyID: keyID)
        } catch {
            throw TokenToolProblem(description: "the key \(error)")
        }
    }

    private func key(_ tokens: TokenConfiguration) async throws -> TokenKey {
        do {
            if let privateKeyFile {
                return try await .privateKey(pem: SecretFile.text(privateKeyFile, limit: ServerBounds.keyFileBytes))
            }
        } catch {
            throw TokenToolProblem(description: "'\(privateKeyFile ?? "")' \(error)")
        }
        guard let secret = tokens.secrets.first else {
            throw TokenToolProblem(
                description: "no key to sign with: set FANFARE_TOKEN_HMAC_SECRET or give --private-key-file")
        }
        guard let algorithm = TokenAlgorithm(rawValue: algorithm), algorithm.isSymmetric else {
            throw TokenToolProblem(description: "--algorithm \(algorithm): a secret signs with HS256, HS384 or HS512")
        }
        do {
            return try await .secret(secret.value, algorithm)
        } catch {
            throw TokenToolProblem(description: "token-hmac-secret \(error)")
        }
    }

    /// The claims as JSON, those of the caller's own last.
    func payload(now: Int64) throws(TokenToolProblem) -> ByteBuffer {
        var members: [(String, JSONText)] = []
        if let user { members.append(("sub", .string(user))) }
        members.append(("iat", .number(Int(now))))
        guard let life = SettingText.duration(expiresIn) else {
            throw TokenToolProblem(description: "--expires-in \(expiresIn): not a duration, as in 30s, 10m or 1h")
        }
        if life > .zero { members.append(("exp", .number(Int(now + life.components.seconds)))) }
        if let forChannel { members.append(("channel", .string(forChannel))) }
        if !channels.isEmpty { members.append(("channels", .array(channels.map(JSONText.string)))) }
        var raw: [(ExactText, ByteBuffer)] = []
        if let info {
            guard let line = JSONLine(ByteBuffer(string: info)), !JSONDepth.isExceeded(by: line.bytes) else {
                throw TokenToolProblem(description: "--info is not JSON, or nested too deep")
            }
            raw.append(("info", line.bytes))
        }
        if let claims {
            guard let object = JSONMembers(ByteBuffer(string: claims)) else {
                throw TokenToolProblem(description: "--claims is no JSON object")
            }
            raw += object.members.map { ($0.key, $0.value.bytes) }
        }
        let own = Set(raw.map(\.0))
        members.removeAll { own.contains(ExactText($0.0)) }
        return JSONText.object(members + raw.map { ($0.0.string, .raw($0.1)) })
    }
}
