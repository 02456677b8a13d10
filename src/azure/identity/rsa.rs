//! A new RSA key, in memory only. Entra accepts no other keys in client assertions, and ring makes none.

use num_bigint::BigUint;
use ring::rand::{SecureRandom, SystemRandom};

/// Bits of the modulus: what Entra asks for at least.
const BITS: usize = 2048;
/// Rounds of the primality test. FIPS 186-5 takes five for primes of this size.
const ROUNDS: usize = 8;
/// Candidates for one prime: some 360 are needed on average.
const CANDIDATES: usize = 20_000;
/// The OID of `rsaEncryption` and its empty parameters.
const RSA_ENCRYPTION: [u8; 13] = [
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];

/// A new private key as PKCS #8.
///
/// # Errors
/// When the system gives no random numbers.
pub(super) fn private_key() -> Result<Vec<u8>, String> {
    let random = SystemRandom::new();
    let (one, exponent) = (BigUint::from(1_u8), BigUint::from(65_537_u32));
    loop {
        let (a, b) = (prime(&random, &exponent)?, prime(&random, &exponent)?);
        let (p, q) = if a > b { (a, b) } else { (b, a) };
        // Primes that are close to each other can be found from their product.
        if (&p - &q).bits() < BITS as u64 / 2 - 100 {
            continue;
        }
        let (below_p, below_q) = (&p - &one, &q - &one);
        let (Some(secret), Some(coefficient)) = (exponent.modinv(&(&below_p * &below_q)), q.modinv(&p)) else {
            continue;
        };
        let (dp, dq) = (&secret % &below_p, &secret % &below_q);
        let numbers = [
            &BigUint::ZERO,
            &(&p * &q),
            &exponent,
            &secret,
            &p,
            &q,
            &dp,
            &dq,
            &coefficient,
        ];
        let key = sequence(&numbers.map(integer).concat());
        let version = integer(&BigUint::ZERO);
        return Ok(sequence(
            &[version, sequence(&RSA_ENCRYPTION), element(0x04, &key)].concat(),
        ));
    }
}

/// A prime of half the modulus's bits, its upper two set, so that the modulus has all of its own.
fn prime(random: &SystemRandom, exponent: &BigUint) -> Result<BigUint, String> {
    let mut bytes = [0_u8; BITS / 16];
    for _ in 0..CANDIDATES {
        fill(random, &mut bytes)?;
        bytes[0] |= 0xc0;
        bytes[BITS / 16 - 1] |= 1;
        let candidate = BigUint::from_bytes_be(&bytes);
        let fits = &(&candidate - 1_u8) % exponent != BigUint::ZERO;
        if fits && is_prime(random, &candidate)? {
            return Ok(candidate);
        }
    }
    Err("no prime number was found".to_owned())
}

/// Miller and Rabin's test, after a division by small numbers.
fn is_prime(random: &SystemRandom, candidate: &BigUint) -> Result<bool, String> {
    let divides = |small: u32| candidate % small == BigUint::ZERO;
    if (3..2_000).step_by(2).any(divides) {
        return Ok(false);
    }
    let one = BigUint::from(1_u8);
    let below = candidate - &one;
    let twos = below.trailing_zeros().unwrap_or_default();
    let odd = &below >> twos;
    let mut bytes = [0_u8; BITS / 16];
    for _ in 0..ROUNDS {
        fill(random, &mut bytes)?;
        let base = BigUint::from_bytes_be(&bytes) % &below;
        let mut power = base.modpow(&odd, candidate);
        let witness = base > one && power != one && {
            let mut squared = (0..twos).map(|_| {
                let now = power.clone();
                power = (&power * &power) % candidate;
                now
            });
            !squared.any(|power| power == below)
        };
        if witness {
            return Ok(false);
        }
    }
    Ok(true)
}

fn fill(random: &SystemRandom, bytes: &mut [u8]) -> Result<(), String> {
    let filled = random.fill(bytes);
    filled.map_err(|_| "the system gives no random numbers".to_owned())
}

fn sequence(content: &[u8]) -> Vec<u8> {
    element(0x30, content)
}

fn integer(number: &BigUint) -> Vec<u8> {
    let mut bytes = number.to_bytes_be();
    if bytes.first().is_some_and(|first| first & 0x80 != 0) {
        bytes.insert(0, 0);
    }
    element(0x02, &bytes)
}

/// One element in DER: tag, length, content.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    let mut der = vec![tag];
    match significant {
        [] => der.push(0),
        [short @ ..0x80] => der.push(*short),
        long => {
            der.push(0x80 | u8::try_from(long.len()).unwrap_or_default());
            der.extend(long);
        }
    }
    der.extend(content);
    der
}

#[cfg(test)]
mod tests {
    use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey};

    use super::*;

    #[test]
    fn new_key_signs_and_differs_from_the_next() {
        let (one, other) = (private_key().expect("a key"), private_key().expect("a key"));
        assert_ne!(one, other);
        // ring checks that the numbers belong together.
        let key = RsaKeyPair::from_pkcs8(&one).expect("a consistent key");
        assert_eq!(key.public().modulus_len(), BITS / 8);
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), b"text", &mut signature)
            .expect("it signs");
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
        assert!(public.verify(b"text", &signature).is_ok());
        assert!(public.verify(b"another", &signature).is_err());
    }

    #[test]
    fn primes_are_told_from_other_numbers() {
        let random = SystemRandom::new();
        let number = |text: &str| text.parse::<BigUint>().expect("a number");
        // The Mersenne primes of 127 and 521 bits; a Carmichael number without small factors; a product of two primes.
        let mersenne = (BigUint::from(1_u8) << 521_u32) - 1_u8;
        let table = [
            (number("170141183460469231731687303715884105727"), true),
            (mersenne.clone(), true),
            (&mersenne * number("170141183460469231731687303715884105727"), false),
            (number("1590231231043178376951698401"), false),
        ];
        for (candidate, expected) in table {
            assert_eq!(is_prime(&random, &candidate), Ok(expected), "{candidate}");
        }
    }
}
