import Crypto
import Foundation

@testable import FanfareAuth

/// HMAC straight from the cryptography library, for forgeries.
enum ReferenceHMAC {
    static func signature(_ text: String, secret: String, _ algorithm: TokenAlgorithm) -> String {
        let (key, data) = (SymmetricKey(data: Data(secret.utf8)), Data(text.utf8))
        return switch algorithm {
        case .hs384: Base64URL.encode(Array(HMAC<SHA384>.authenticationCode(for: data, using: key)))
        case .hs512: Base64URL.encode(Array(HMAC<SHA512>.authenticationCode(for: data, using: key)))
        default: Base64URL.encode(Array(HMAC<SHA256>.authenticationCode(for: data, using: key)))
        }
    }
}
