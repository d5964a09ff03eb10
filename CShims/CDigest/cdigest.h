// The message digests of libcrypto (OpenSSL) as Swift sees them: the EVP_Digest functions only.
#pragma once
#include <openssl/evp.h>
